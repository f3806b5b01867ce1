// Starts a thread as a child: the same messages, on a port instead of a channel.
import { Worker } from 'node:worker_threads'
import type { Link, LinkEvents, StartChild } from '../children/messages.js'

export const startThread =
  (entry: URL): StartChild =>
  (events: LinkEvents): Link => {
    const thread = new Worker(entry, { workerData: { lovage: 'child' } })
    let why: string | undefined
    thread.on('message', (message) => events.frame(message))
    thread.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error)
    })
    thread.on('exit', (code) => events.gone(why ?? `exit code ${code}`))
    return {
      id: thread.threadId,
      send: (message) => thread.postMessage(message),
      kill: () => void thread.terminate(),
    }
  }
