// Starts a child process: Node's own channel, with JSON in lines.
import { fork } from 'node:child_process'
import { constants } from 'node:os'
import type { Link, LinkEvents, StartChild } from '../children/messages.js'
import { watchItself } from './watch-parent.js'
import { Watcher } from './watcher.js'

export interface ForkOptions {
  /** The program of a child. */
  readonly entry: URL
  readonly execArgv?: readonly string[]
}

/** What is left to hear of a child that has ended is heard soon, or never. */
const lastWordsMs = 1000

/**
 * A child shares the machine with its siblings: young objects get 4 MiB and not 16, which costs little and is
 * worth ten MiB each. Whoever starts Node with a size of his own has said what he wants.
 */
const thrift = '--max-semi-space-size=4'

/** Flags of Node's that a child has from its parent: none that speak of the parent's own program. */
const flagsOf = (execArgv: readonly string[]): string[] => {
  const flags: string[] = []
  for (let at = 0; at < execArgv.length; at += 1) {
    const flag = execArgv[at] as string
    if (/^(-e|-p|-pe|--eval|--print)$/.test(flag)) at += 1
    else if (!/^--(inspect|input-type|eval=|print=)/.test(flag)) flags.push(flag)
  }
  const said = [...flags, process.env.NODE_OPTIONS ?? ''].some((flag) => /semi[-_]space/.test(flag))
  return said ? flags : [...flags, thrift]
}

export const forkChild = ({ entry, execArgv = process.execArgv }: ForkOptions): StartChild => {
  const watcher = Watcher.isPossible ? new Watcher() : undefined
  return (events: LinkEvents): Link => {
    const child = fork(entry, watcher === undefined ? [watchItself] : [], {
      serialization: 'json',
      // What it writes by JavaScript becomes lines of the log; this is for what the machine below has to say.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: flagsOf(execArgv),
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
