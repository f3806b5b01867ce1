// The child's end of the channel, in a process. It is taken away from user code: a library that finds `process.send`
// tells it that it is "ready" (pm2 and its like), and that would be said to our parent.
import type { Frame, Line, ToChild } from '../children/messages.js'

export const processLine = (): Line => {
  const send = process.send?.bind(process)
  Reflect.deleteProperty(process, 'send')
  Reflect.deleteProperty(process, 'disconnect')
  const say = (frame: object, done: () => void): void => {
    if (process.connected) send?.(frame, undefined, undefined, done)
  }
  return {
    send: (frame) => say(frame, () => undefined),
    onFrame: (listener) =>
      void process.on('message', (frame) => listener(frame as unknown as Frame<ToChild>)),
    onClose: (listener) => void process.on('disconnect', listener),
    end: (code) => {
      if (!process.connected) process.exit(code)
      // Behind everything that was said before.
      say([], () => process.exit(code))
    },
  }
}
