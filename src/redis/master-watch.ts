// Where Redis is at present, as sentinels tell it. One of them is asked, and listened to from then on: when another
// Redis is promoted, the old one may live on for ten seconds, and what it takes is lost, so whoever is connected there
// has to leave at once. A few words of RESP and no ioredis: the thread of the leases asks as well.
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Place, Sentinels } from './address.js'
import { encodeCommand } from './resp.js'

const patienceMs = 1000
const againMs = 500
const channel = '+switch-master'

interface Informant {
  readonly socket: Socket
  readonly place: Place
}

/** Asks this one, who tells of each switch as long as the socket lives. */
const ask = (
  { host, port }: Place,
  { master, username, password, tls }: Sentinels,
  onSwitch: (place: Place) => void,
): Promise<Informant> =>
  new Promise((resolve, reject) => {
    const place = { host, port, keepAlive: true, keepAliveInitialDelay: 10_000 }
    const socket = tls === null ? connect(place) : connectTls({ ...place, ...tls })
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    let rest = ''
    let lines: string[] = []
    let hasAnswered = false
    socket.setTimeout(patienceMs, () => fail(new Error('no answer')))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('it hung up')))
    socket.on('data', (data) => {
      const pieces = (rest + data.toString('latin1')).split('\r\n')
      rest = pieces.pop() as string
      lines.push(...pieces)
      if (!hasAnswered) {
        const refusal = lines.find((line) => line.startsWith('-'))
        if (refusal !== undefined) return fail(new Error(refusal.slice(1)))
        if (lines.includes('*-1')) return fail(new Error('it knows none of this name'))
        const [, , found, , at] = lines.includes('*2') ? lines.slice(lines.indexOf('*2')) : []
        if (at === undefined) return
        hasAnswered = true
        socket.setTimeout(0)
        // To listen is no reason to live.
        socket.unref()
        resolve({ socket, place: { host: found as string, port: Number(at) } })
      }
      for (const [index, line] of lines.entries()) {
        if (lines[index - 2] !== channel || !lines[index - 1]?.startsWith('$')) continue
        const [name, , , newHost, newPort] = line.split(' ')
        if (name === master) onSwitch({ host: newHost as string, port: Number(newPort) })
      }
      lines = lines.slice(-2)
    })
    const hello = password === null ? [] : [['AUTH', ...(username === null ? [] : [username]), password]]
    const question = ['SENTINEL', 'get-master-addr-by-name', master]
    socket.write([...hello, question, ['SUBSCRIBE', channel]].map(encodeCommand).join(''))
  })

const isSame = (a: Place, b: Place): boolean => a.host === b.host && a.port === b.port

export class MasterWatch {
  readonly #listeners = new Set<() => void>()
  #asking: Promise<Place> | null = null
  #socket: Socket | null = null
  /** As long as somebody tells us when it is no longer true. */
  #place: Place | null = null
  #last: Place | null = null
  /** Who is asked first. */
  #first = 0

  constructor(private readonly sentinels: Sentinels) {}

  /** Rejects when nobody knows. */
  find(): Promise<Place> {
    if (this.#place !== null) return Promise.resolve(this.#place)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  /** It was no master, or nobody was there: who told so may be behind the times, and another one is asked. */
  doubt(place: Place): void {
    if (place !== this.#place) return
    this.#first++
    this.#hangUp()
  }

  /** `onMove` is called when another Redis is the master: connections to the old one are worth nothing. */
  listen(onMove: () => void): void {
    this.#listeners.add(onMove)
  }

  leave(onMove: () => void): void {
    this.#listeners.delete(onMove)
    if (this.#listeners.size === 0) this.#hangUp()
  }

  async #ask(): Promise<Place> {
    const { places, master } = this.sentinels
    const answers: string[] = []
    for (let i = 0; i < places.length; i++) {
      const index = (this.#first + i) % places.length
      const asked = places[index] as Place
      try {
        const { socket, place } = await ask(asked, this.sentinels, (next) => this.#learn(next))
        this.#first = index
        this.#socket = socket
        socket.on('close', () => this.#hungUp(socket))
        this.#learn(place)
        if (this.#listeners.size === 0) this.#hangUp()
        return place
      } catch (error) {
        answers.push(`${asked.host}:${asked.port}: ${(error as Error).message}`)
      }
    }
    throw new Error(`no sentinel tells where "${master}" is: ${answers.join('; ')}`)
  }

  #learn(place: Place): void {
    const last = this.#last
    this.#place = place
    this.#last = place
    if (last !== null && !isSame(last, place)) for (const onMove of this.#listeners) onMove()
  }

  #hangUp(): void {
    const socket = this.#socket
    this.#socket = null
    this.#place = null
    socket?.destroy()
  }

  /** What is told meanwhile must not be missed. */
  #hungUp(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#hangUp()
    const again = (): void => {
      if (this.#listeners.size > 0) this.find().catch(() => setTimeout(again, againMs).unref())
    }
    again()
  }
}

const watches = new WeakMap<Sentinels, MasterWatch>()

/** The connections of one address share one. */
export const watchOf = (sentinels: Sentinels): MasterWatch => {
  const watch = watches.get(sentinels) ?? new MasterWatch(sentinels)
  watches.set(sentinels, watch)
  return watch
}
