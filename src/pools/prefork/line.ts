// The child's end of the channel, in a process.
import type { Frame, Line, ToChild } from '../children/messages.js'

export const processLine = (): Line => ({
  send: (frame) => {
    if (process.connected) process.send?.(frame, undefined, undefined, () => undefined)
  },
  onFrame: (listener) => void process.on('message', (frame) => listener(frame as unknown as Frame<ToChild>)),
  onClose: (listener) => void process.on('disconnect', listener),
  end: (code) => {
    if (!process.connected) process.exit(code)
    // Behind everything that was said before.
    process.send?.([], undefined, undefined, () => process.exit(code))
  },
})
