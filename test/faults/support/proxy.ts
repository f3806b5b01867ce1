// A wire between one worker and Redis that knows what passes: it tells of each call before it reaches Redis
// and of each answer before it reaches the worker, and either may be held back. What happens to a message at
// the instant between two steps can so be chosen, without a hook in the library.
import { createHash } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A worker's word to Redis: a call of one of its scripts. */
export interface Call {
  /**
   * The script's name; the one that completes and claims is a `completion` when it ends something, else a `claim`; the one
   * that delivers results is a `delivery` when it has some.
   */
  readonly what: string
  /** 1 for the first of its kind. */
  readonly number: number
}

/** What becomes of it. `drop`: neither this nor anything later passes in either direction. */
export type Fate = 'pass' | 'drop' | Promise<unknown>

export interface Hooks {
  readonly onCall?: (call: Call) => Fate
  readonly onAnswer?: (call: Call, answer: Buffer) => Fate
}

/** Where a RESP value that begins at `at` ends; -1 when it is not all there. */
const endOf = (data: Buffer, at: number): number => {
  const line = data.indexOf('\r\n', at)
  if (line === -1) return -1
  const type = String.fromCharCode(data[at] as number)
  const size = Number(data.toString('latin1', at + 1, line))
  if ('$=!'.includes(type)) {
    const end = size < 0 ? line + 2 : line + 4 + size
    return end > data.length ? -1 : end
  }
  if (!'*~>%|'.includes(type)) return line + 2
  const many = (type === '%' || type === '|' ? 2 : 1) * Math.max(0, size)
  let end = line + 2
  for (let i = 0; i < many; i++) {
    end = endOf(data, end)
    if (end === -1) return -1
  }
  return type === '|' ? endOf(data, end) : end
}

/** Values, one by one, out of a stream of bytes. */
const splitter = (onValue: (value: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk: Buffer): void => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const end = rest.length === 0 ? -1 : endOf(rest, 0)
      if (end === -1) return
      onValue(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}

/** The words of a command: an array of bulk strings. */
const wordsOf = (value: Buffer): readonly string[] => {
  const words: string[] = []
  let at = value.indexOf('\r\n') + 2
  while (at < value.length) {
    const line = value.indexOf('\r\n', at)
    const size = Number(value.toString('latin1', at + 1, line))
    words.push(value.toString('utf8', line + 2, line + 2 + size))
    at = line + 4 + size
  }
  return words
}

export class Proxy {
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: { readonly host: string; readonly port: number }
  readonly #hooks: Hooks
  /** sha → name: scripts introduce themselves in their first line when they are loaded. */
  readonly #scripts = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  #dropped = false

  private constructor(server: Server, target: URL, hooks: Hooks) {
    this.#server = server
    this.#hooks = hooks
    this.#target = { host: target.hostname, port: Number(target.port) }
    const { port } = server.address() as { port: number }
    this.url = `redis://127.0.0.1:${port}${target.pathname}`
    server.on('connection', (socket) => this.#join(socket))
  }

  static async open(url: string, hooks: Hooks): Promise<Proxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return new Proxy(server, new URL(url), hooks)
  }

  close(): void {
    this.#dropped = true
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join(near: Socket): void {
    const far = connect(this.#target)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    /** What was asked on this connection and not answered yet. */
    const asked: (Call | undefined)[] = []
    const forth = this.#gate(far)
    const back = this.#gate(near)
    near.on(
      'data',
      splitter((value) => {
        const words = wordsOf(value)
        const call = this.#read(words)
        forth(value, () => {
          asked.push(call)
          return call === undefined ? 'pass' : (this.#hooks.onCall?.(call) ?? 'pass')
        })
      }),
    )
    far.on(
      'data',
      splitter((value) => {
        // Out of band: no answer to anything.
        if (value[0] === 0x3e) return back(value, () => 'pass')
        back(value, () => {
          const call = asked.shift()
          return call === undefined ? 'pass' : (this.#hooks.onAnswer?.(call, value) ?? 'pass')
        })
      }),
    )
  }

  /** Passes values on in their order; one that waits makes all behind it wait. */
  #gate(to: Socket): (value: Buffer, decide: () => Fate) => void {
    let queue: Promise<unknown> | undefined
    const pass = (value: Buffer, decide: () => Fate): void | Promise<unknown> => {
      if (this.#dropped) return
      const fate = decide()
      if (fate === 'drop') return this.close()
      if (fate === 'pass') return void (to.writable && to.write(value))
      return fate.then(() => void (!this.#dropped && to.writable && to.write(value)))
    }
    return (value, decide) => {
      const copy = Buffer.from(value)
      const done = queue === undefined ? pass(copy, decide) : queue.then(() => pass(copy, decide))
      if (done === undefined) return
      const mine = done.then(() => {
        if (queue === mine) queue = undefined
      })
      queue = mine
    }
  }

  #read(words: readonly string[]): Call | undefined {
    const [command = '', sub = '', text = ''] = words
    if (command.toLowerCase() === 'script' && sub.toLowerCase() === 'load') this.#learn(text)
    if (command.toLowerCase() !== 'evalsha') return undefined
    const script = this.#scripts.get(sub)
    if (script === undefined) return undefined
    let what = script
    if (script === 'step') {
      // Behind the keys: lane, request, slots, redo, queues, plain completions, other completions (lua/step.lua).
      const argv = words.slice(3 + Number(words[2]))
      what = Number(argv[5]) + Number(argv[6]) > 0 ? 'completion' : 'claim'
    }
    if (script === 'deliver' && words.length > 6) what = 'delivery'
    const number = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, number)
    return { what, number }
  }

  #learn(text: string): void {
    // What a script shares with others stands before its own head.
    const name = [...text.matchAll(/^-- ([a-z]+):/gm)].at(-1)?.[1]
    if (name !== undefined) this.#scripts.set(createHash('sha1').update(text).digest('hex'), name)
  }
}
