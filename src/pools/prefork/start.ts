// Starts a child process, and hears it and its end.
import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Link, LinkEvents, StartChild } from '../children/messages.js'
import { openChannel } from './channel.js'
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
    const flags = childFlags(execArgv, process.env.NODE_OPTIONS)
    const more = watcher === undefined ? [watchItself] : []
    const child = spawn(process.execPath, [...flags, fileURLToPath(entry), ...more], {
      // What it writes by JavaScript becomes lines of the log; this is for what the machine below has to say.
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    })
    if (child.pid !== undefined) watcher?.add(child.pid)
    let how: string | undefined
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      events.gone(how ?? 'its channel broke')
    }
    // Where there are no more descriptors, there is none.
    const socket = child.stdio?.[3] as Socket | undefined
    const channel =
      socket &&
      openChannel(
        socket,
        (frame) => events.frame(frame),
        () => {
          if (how !== undefined) end()
          // Without a channel it is of no use.
          else child.kill('SIGKILL')
        },
      )
    child.on('error', (error) => {
      // It could not be started. Of one that was, its end counts.
      if (child.pid !== undefined) return
      how = error.message
      end()
    })
    child.on('exit', (code, signal) => {
      watcher?.remove(child.pid as number)
      how = signal === null ? `exit code ${code}` : `signal ${constants.signals[signal]} (${signal})`
      if (channel?.isOpen !== true) end()
      else setTimeout(end, lastWordsMs).unref()
    })
    return {
      id: child.pid ?? 0,
      send: (frame) => channel?.send(frame),
      kill: () => void child.kill('SIGKILL'),
    }
  }
}
