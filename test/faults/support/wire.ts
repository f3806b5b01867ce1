// A network between one process and Redis that can be parted: nothing passes in either direction, nobody is told, and what
// was on its way arrives when it is whole again.
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Wire {
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #parted = false

  private constructor(server: Server, target: URL) {
    this.#server = server
    const { port } = server.address() as { port: number }
    this.url = `redis://127.0.0.1:${port}${target.pathname}`
    server.on('connection', (near) => {
      const far = connect(Number(target.port), target.hostname)
      this.#join(near, far)
      this.#join(far, near)
    })
  }

  static async open(url: string): Promise<Wire> {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return new Wire(server, new URL(url))
  }

  part(): void {
    this.#parted = true
    for (const socket of this.#sockets) socket.pause()
  }

  heal(): void {
    this.#parted = false
    for (const socket of this.#sockets) socket.resume()
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (chunk) => to.write(chunk))
    from.on('error', () => undefined)
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    if (this.#parted) from.pause()
  }
}
