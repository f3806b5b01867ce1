// The thread that renews leases, so that a task which blocks the event loop does not lose its message, and gives back
// what waits behind such a task (standby.ts). It speaks just enough RESP by itself: loading ioredis a second time
// would cost every worker 13 MB.
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import type { Place } from './address.js'
import type { Lease, LeaseThreadData, StandbyLease, ToParent, ToThread } from './lease.js'
import { MasterWatch } from './master-watch.js'
import { encodeCommand } from './resp.js'
import { type Range, StandbyWatch } from './standby.js'

type Target = Place | { readonly path: string }

const { address, script, yieldScript, keys } = workerData as LeaseThreadData
const leases = new Map<string, Lease>()
const longestQuietMs = 5000

const watch = address.sentinels === null ? null : new MasterWatch(address.sentinels)
const fixed: Target | null =
  watch !== null
    ? null
    : address.path === null
      ? { host: address.host, port: address.port }
      : { path: address.path }
/** Where Redis is; null: sentinels have to be asked (again). */
let target = fixed
let isAsking = false
/** It has renewed something there. */
let isProven = false

const tell = (message: ToParent): void => parentPort?.postMessage(message)

const intervalMs = (): number => {
  let shortest = 4 * longestQuietMs
  for (const { leaseMs } of leases.values()) shortest = Math.min(shortest, leaseMs)
  return Math.max(20, shortest / 4)
}

let socket: Socket | null = null
/** Replies to AUTH, SELECT and the like that are still to come before all others. */
let greetings = 0
let text = ''
let asked: { ids: string[]; atMs: number } | null = null
/** It is time to ask again, and the answer to the last time is still to come. */
let isDue = false
/** Since when there was no sign of life from the other side, where one is to come. */
let silentSinceMs = 0
/** What replies are to come, in their order. */
let expected: ('renewal' | 'yielding')[] = []
let timer: NodeJS.Timeout | null = null

const schedule = (ms: number): void => {
  if (timer) clearTimeout(timer)
  timer = setTimeout(renew, ms)
}

const drop = (): void => {
  if (target !== null && 'host' in target && !isProven) watch?.doubt(target)
  isProven = false
  socket?.destroy()
  socket = null
  greetings = 0
  text = ''
  asked = null
  expected = []
  target = fixed
}

const hearSign = (): void => {
  silentSinceMs = performance.now()
}

/**
 * A dead socket has to be found while there is time for another one, and a slow Redis is not dead: its answer is waited
 * for half a lease. To connect takes no Redis, only its host.
 */
const patienceMs = (): number => Math.max((socket?.connecting === true ? 1 : 2) * intervalMs(), 200)

/** Then it is renewed there. */
const find = (who: MasterWatch): void => {
  if (isAsking) return
  isAsking = true
  const done = (found: Place | null): void => {
    isAsking = false
    target = found
    if (found === null) schedule(Math.min(250, intervalMs()) * (0.5 + Math.random()))
    else renew()
  }
  who.find().then(done, () => done(null))
}

const open = (place: Target): Socket => {
  const opened = address.tls ? connectTls({ ...place, ...address.tls }) : connect(place)
  opened.setNoDelay(true)
  silentSinceMs = performance.now()
  opened.on('connect', hearSign).on('secureConnect', hearSign)
  opened.on('data', (data) => {
    hearSign()
    text += data.toString('latin1')
    read()
  })
  opened.on('error', () => undefined)
  opened.on('close', () => {
    if (socket !== opened) return
    drop()
    schedule(Math.min(250, intervalMs()) * (0.5 + Math.random()))
  })
  const hello: (string | number)[][] = [['CLIENT', 'SETNAME', 'lovage-lease']]
  if (address.database > 0) hello.unshift(['SELECT', address.database])
  if (address.password !== null)
    hello.unshift(['AUTH', ...(address.username === null ? [] : [address.username]), address.password])
  greetings = hello.length
  opened.write(hello.map(encodeCommand).join(''))
  return opened
}

function renew(): void {
  if (leases.size === 0) {
    drop()
    return
  }
  if (asked !== null) {
    const leftMs = silentSinceMs + patienceMs() - performance.now()
    if (leftMs > 0) {
      isDue = true
      return schedule(leftMs)
    }
    drop()
  }
  if (target === null && watch !== null) return find(watch)
  socket ??= open(target as Target)
  const all = [...leases.values()]
  asked = { ids: all.map(({ id }) => id), atMs: Date.now() }
  isDue = false
  silentSinceMs = performance.now()
  const words = all.flatMap(({ id, leaseMs, listed }) => [
    id,
    Math.ceil(leaseMs),
    listed?.hash ?? '',
    listed?.tags ?? '',
  ])
  expected.push('renewal')
  socket.write(encodeCommand(['EVAL', script, keys.length, ...keys, ...words]))
  schedule(Math.max(intervalMs(), 200))
}

/** Lines only: our replies are `+OK`, errors, numbers, and an array of numbers for each renewal. */
function read(): void {
  for (;;) {
    const end = text.indexOf('\r\n')
    if (end === -1) return
    const line = text.slice(0, end)
    if (greetings > 0) {
      text = text.slice(end + 2)
      greetings--
      // A refused password or database: nothing may be renewed in the wrong place.
      if (line.startsWith('-') && greetings > 0) {
        socket?.destroy()
        return
      }
      continue
    }
    if (expected[0] === 'yielding') {
      // Refused or not: what has not gone back goes as soon as its loop is free.
      text = text.slice(end + 2)
      expected.shift()
      continue
    }
    if (line.startsWith('-')) {
      text = text.slice(end + 2)
      expected.shift()
      asked = null
      // Another one was promoted.
      if (/\bREADONLY\b/.test(line)) drop()
      schedule(Math.min(500, intervalMs()))
      continue
    }
    const lines = text.split('\r\n')
    const count = Number(line.slice(1))
    if (lines.length < count + 2) return
    const [serverMs = 0, ...alive] = lines.slice(1, count + 1).map((each) => Number(each.slice(1)))
    text = lines.slice(count + 1).join('\r\n')
    expected.shift()
    if (asked === null) return
    const { ids, atMs } = asked
    asked = null
    isProven = true
    for (const [index, id] of ids.entries()) {
      if (alive[index] !== 0 || !leases.delete(id)) continue
      tell({ lost: id })
    }
    tell({ askedMs: atMs, offsetMs: serverMs - (atMs + Date.now()) / 2 })
    if (isDue) schedule(0)
  }
}

const lookMs = 10
const standbys = new Map<string, { readonly lease: StandbyLease; readonly watch: StandbyWatch }>()
/** Those whose loops begin something now and then. */
const watched = new Set<string>()
let looking: NodeJS.Timeout | null = null

const look = (): void => {
  looking = null
  const now = performance.now()
  for (const id of watched) {
    const standby = standbys.get(id)
    const range = standby?.watch.look(now)
    if (standby !== undefined && range !== undefined) giveBack(standby.lease, range)
    if (standby === undefined || standby.watch.rests(now)) watched.delete(id)
  }
  if (watched.size > 0) looking = setTimeout(look, lookMs)
}

const giveBack = ({ hash, redoPrefix, hostname }: StandbyLease, { from, upTo }: Range): void => {
  // Where nobody knows where Redis is, its own loop gives it back, later.
  if (socket === null && target === null) return
  socket ??= open(target as Target)
  expected.push('yielding')
  socket.write(encodeCommand(['EVAL', yieldScript, 1, hash, from, upTo, redoPrefix, hostname]))
}

const attend = (id: string): void => {
  watched.add(id)
  looking ??= setTimeout(look, lookMs)
}

watch?.listen(() => {
  drop()
  schedule(0)
})

parentPort?.on('message', (message: ToThread) => {
  if ('watch' in message) attend(message.watch)
  else if ('keep' in message) {
    const { id, standby } = message.keep
    leases.set(id, message.keep)
    schedule(intervalMs())
    if (standby === undefined) return
    standbys.set(id, { lease: standby, watch: new StandbyWatch(standby.buffer) })
    attend(id)
  } else {
    leases.delete(message.drop)
    standbys.delete(message.drop)
  }
})
