// The child's end of the channel, in a process.
import { Socket } from 'node:net'
import type { Frame, Line, ToChild } from '../children/messages.js'
import { channelFd, openChannel } from './channel.js'

export const processLine = (): Line => {
  let hear: (frame: Frame<ToChild>) => void = () => undefined
  let onClose = (): void => undefined
  const channel = openChannel(
    new Socket({ fd: channelFd }),
    (frame) => hear(frame as Frame<ToChild>),
    () => onClose(),
  )
  return {
    send: (frame) => channel.send(frame),
    onFrame: (listener) => {
      hear = listener
    },
    onClose: (listener) => {
      onClose = listener
    },
    // Behind everything that was said before.
    end: (code) => channel.send([], () => process.exit(code)),
  }
}
