// Between a worker and a child process: a socket on which each frame is a line of JSON. Node's own channel (`ipc`)
// costs a child 0.7 MiB and each frame some microseconds more, and user code finds it: `process.send` is there
// for everybody, and libraries say through it to whoever started them that they are "ready".
import type { Socket } from 'node:net'

/** The child's end, where its standard streams are 0, 1 and 2. */
export const channelFd = 3

export interface Channel {
  readonly isOpen: boolean
  /** `done` is called when it is on its way, or never will be. */
  send(frame: unknown, done?: () => void): void
}

/** `onClose` comes once, last: when all that was said has been heard. */
export const openChannel = (socket: Socket, hear: (frame: unknown) => void, onClose: () => void): Channel => {
  let begun = ''
  socket.setEncoding('utf8')
  socket.on('data', (data: string | Buffer) => {
    const text = String(data)
    const end = text.lastIndexOf('\n')
    if (end < 0) {
      begun += text
      return
    }
    const lines = (begun + text.slice(0, end)).split('\n')
    begun = text.slice(end + 1)
    for (const line of lines) {
      const frame = frameIn(line)
      // Somebody else has written there: nothing that comes after it can be read.
      if (frame === undefined) return void socket.destroy()
      hear(frame)
    }
  })
  // Its close tells the same.
  socket.on('error', () => undefined)
  socket.on('close', onClose)
  return {
    get isOpen() {
      return !socket.destroyed
    },
    send: (frame, done) => {
      if (socket.writable) socket.write(`${JSON.stringify(frame)}\n`, done)
      else done?.()
    },
  }
}

const frameIn = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
