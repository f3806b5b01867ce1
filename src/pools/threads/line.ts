// The child's end of the channel, in a thread.
import { parentPort } from 'node:worker_threads'
import type { Frame, Line, ToChild } from '../children/messages.js'

export const threadLine = (): Line => ({
  send: (frame) => parentPort?.postMessage(frame),
  onFrame: (listener) => void parentPort?.on('message', (frame) => listener(frame as Frame<ToChild>)),
  // A thread ends with its process.
  onClose: () => undefined,
  end: (code) => process.exit(code),
})
