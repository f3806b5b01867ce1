// A wire to Redis that misbehaves: it delays, goes dead without a word, cuts in the middle of an answer, or hands
// answers over late. It knows nothing of what passes.
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Wire {
  readonly url: string
  /** Each direction takes so long. */
  delayMs = 0
  /** An answer waits until then. */
  holdAnswers: Promise<unknown> | undefined
  /** So many answers are cut in their middle yet. */
  cuts = 0
  /** Bytes that they have at least. The answer to a publication has four. */
  shortest = 21
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<{ near: Socket; far: Socket; dead: boolean }>()

  private constructor(server: Server, target: URL) {
    this.#server = server
    this.#target = { host: target.hostname, port: Number(target.port) }
    const { port } = server.address() as { port: number }
    this.url = `redis://127.0.0.1:${port}${target.pathname}`
    server.on('connection', (near) => this.#join(near))
  }

  static async open(url: string): Promise<Wire> {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return new Wire(server, new URL(url))
  }

  /** What is connected now stays so, and nothing passes any more; who connects anew is served. */
  goDead(): void {
    for (const pair of this.#pairs) pair.dead = true
  }

  close(): void {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.destroy()
    this.#server.close()
  }

  #join(near: Socket): void {
    const pair = { near, far: connect(this.#target), dead: false }
    const { far } = pair
    this.#pairs.add(pair)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (pair.dead) return
        this.#pairs.delete(pair)
        other.destroy()
      })
      let queue: Promise<unknown> = Promise.resolve()
      socket.on('data', (chunk: Buffer) => {
        queue = queue.then(async () => {
          if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
          if (socket === far) await this.holdAnswers
          if (pair.dead || !other.writable) return
          const isCut = socket === far && this.cuts > 0 && chunk.length >= this.shortest
          other.write(isCut ? chunk.subarray(0, chunk.length / 2) : chunk)
          if (!isCut) return
          this.cuts--
          other.end()
          far.destroy()
        })
      })
    }
  }
}
