// Starts a child process: Node's own channel, with JSON in lines.
import { fork } from 'node:child_process'
import { constants } from 'node:os'
import type { Link, LinkEvents, StartChild } from '../children/messages.js'
import { childFlags } from './flags.js'
import { watchItself } from './watch-parent.js'
import { Watcher } from './watcher.js'

export interface ForkOptions {
  /** The program of a child. */
  readonly entry: URL
  readonly execArgv?: readonly string[]
}

/** What is left to hear of a child that has ended is heard soon, or never. */
const lastWordsMs = 1000

export const forkChild = ({ entry, execArgv = process.execArgv }: ForkOptions): StartChild => {
  const watcher = Watcher.isPossible ? new Watcher() : undefined
  return (events: LinkEvents): Link => {
    const child = fork(entry, watcher === undefined ? [watchItself] : [], {
      serialization: 'json',
      // What it writes by JavaScript becomes lines of the log; this is for what the machine below has to say.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: childFlags(execArgv, process.env.NODE_OPTIONS),
    })
    if (child.pid !== undefined) watcher?.add(child.pid)
    let how: string | undefined
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      events.gone(how ?? 'its channel broke')
    }
    child.on('message', (message) => events.frame(message))
    child.on('error', (error) => {
      // It could not be started, or nothing can be sent to it any more: then it ends as well, and that counts.
      if (child.pid !== undefined) return
      how = error.message
      end()
    })
    child.on('exit', (code, signal) => {
      watcher?.remove(child.pid as number)
      how = signal === null ? `exit code ${code}` : `signal ${constants.signals[signal]} (${signal})`
      if (!child.connected) end()
      else setTimeout(end, lastWordsMs).unref()
    })
    child.on('disconnect', () => {
      if (how !== undefined) end()
      // Without a channel it is of no use.
      else child.kill('SIGKILL')
    })
    return {
      id: child.pid ?? 0,
      send: (message) => {
        if (child.connected) child.send(message as unknown as object, () => undefined)
      },
      kill: () => void child.kill('SIGKILL'),
    }
  }
}
