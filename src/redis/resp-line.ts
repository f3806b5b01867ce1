// A connection to Redis that speaks just enough RESP, for the thread of the leases: loading ioredis a second time would cost
// every worker 13 MB. What is said is answered in its order, and of answers it knows `+OK`, errors, numbers, and lists of numbers.
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Address, Place } from './address.js'
import { encodeCommand } from './resp.js'

export type RespReply = { readonly error: string } | { readonly numbers: readonly number[] }

type Hear = (reply: RespReply) => void

const ignore = (): void => undefined

export class RespLine {
  readonly #socket: Socket
  #text = ''
  /** Who waits for an answer, in the order of what was said. */
  readonly #hears: Hear[] = []
  #isClosed = false
  /** Since when there was no sign of life from the other side; performance.now(). */
  silentSinceMs = performance.now()

  /** `onBroken` hears that it broke, or that we are not let in; not that we closed it. */
  constructor(
    place: Place | { readonly path: string },
    { tls, username, password, database }: Pick<Address, 'tls' | 'username' | 'password' | 'database'>,
    name: string,
    onBroken: () => void,
  ) {
    const socket = tls ? connectTls({ ...place, ...tls }) : connect(place)
    this.#socket = socket
    const sign = (): void => {
      this.silentSinceMs = performance.now()
    }
    socket.setNoDelay(true)
    socket.on('connect', sign).on('secureConnect', sign).on('error', ignore)
    socket.on('data', (data) => {
      sign()
      this.#text += data.toString('latin1')
      this.#read()
    })
    socket.on('close', () => {
      if (!this.#isClosed) onBroken()
    })
    // A refused password or database: nothing may be done in the wrong place.
    const mustSucceed: Hear = (reply) => {
      if ('error' in reply) socket.destroy()
    }
    if (password !== null)
      this.send(['AUTH', ...(username === null ? [] : [username]), password], mustSucceed)
    if (database > 0) this.send(['SELECT', database], mustSucceed)
    this.send(['CLIENT', 'SETNAME', name], ignore)
  }

  get isConnecting(): boolean {
    return this.#socket.connecting
  }

  send(words: readonly (string | number)[], hear: Hear = ignore): void {
    this.#hears.push(hear)
    this.#socket.write(encodeCommand(words))
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #read(): void {
    while (!this.#socket.destroyed) {
      const size = this.#text.startsWith('*') ? Number.parseInt(this.#text.slice(1), 10) || 0 : 0
      const [first = '', ...items] = this.#text.split('\r\n', size + 2)
      if (items.length <= size) return
      items.length = size
      this.#text = this.#text.slice([first, ...items, ''].join('\r\n').length)
      this.#hears.shift()?.(replyOf(first, items))
    }
  }
}

const replyOf = (first: string, items: readonly string[]): RespReply => {
  if (first.startsWith('-')) return { error: first.slice(1) }
  return { numbers: (first.startsWith(':') ? [first] : items).map((line) => Number(line.slice(1))) }
}
