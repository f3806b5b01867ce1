// The thread that renews leases, so that a task which blocks the event loop does not lose its message, and gives back
// what waits behind such a task (standby.ts).
import { parentPort, workerData } from 'node:worker_threads'
import type { Place } from './address.js'
import type { Lease, LeaseThreadData, StandbyLease, ToParent, ToThread } from './lease.js'
import { MasterWatch } from './master-watch.js'
import { RespLine, type RespReply } from './resp-line.js'
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

let line: RespLine | null = null
let asked: { readonly ids: readonly string[]; readonly atMs: number } | null = null
/** Since when the answer is waited for; performance.now(). */
let askedSinceMs = 0
/** It is time to ask again, and the answer to the last time is still to come. */
let isDue = false
let timer: NodeJS.Timeout | null = null

const schedule = (ms: number): void => {
  if (timer) clearTimeout(timer)
  timer = setTimeout(renew, ms)
}

const soon = (): void => schedule(Math.min(250, intervalMs()) * (0.5 + Math.random()))

const drop = (): void => {
  if (target !== null && 'host' in target && !isProven) watch?.doubt(target)
  isProven = false
  line?.close()
  line = null
  asked = null
  target = fixed
}

/**
 * A dead connection has to be found while there is time for another one, and a slow Redis is not dead: its answer is
 * waited for half a lease. To connect takes no Redis, only its host.
 */
const patienceMs = (): number => Math.max((line?.isConnecting === true ? 1 : 2) * intervalMs(), 200)

/** Then it is renewed there. */
const find = (who: MasterWatch): void => {
  if (isAsking) return
  isAsking = true
  const done = (found: Place | null): void => {
    isAsking = false
    target = found
    if (found === null) soon()
    else renew()
  }
  who.find().then(done, () => done(null))
}

const open = (place: Target): RespLine =>
  new RespLine(place, address, 'lovage-lease', () => {
    drop()
    soon()
  })

function renew(): void {
  if (leases.size === 0) {
    drop()
    return
  }
  if (asked !== null) {
    const silentSinceMs = Math.max(askedSinceMs, line?.silentSinceMs ?? 0)
    const leftMs = silentSinceMs + patienceMs() - performance.now()
    if (leftMs > 0) {
      isDue = true
      return schedule(leftMs)
    }
    drop()
  }
  if (target === null && watch !== null) return find(watch)
  line ??= open(target as Target)
  const all = [...leases.values()]
  asked = { ids: all.map(({ id }) => id), atMs: Date.now() }
  askedSinceMs = performance.now()
  isDue = false
  const words = all.flatMap(({ id, leaseMs, listed }) => [
    id,
    Math.ceil(leaseMs),
    listed?.hash ?? '',
    listed?.tags ?? '',
  ])
  line.send(['EVAL', script, keys.length, ...keys, ...words], hear)
  schedule(Math.max(intervalMs(), 200))
}

/** The server's time, and for each lease whether it was there. */
function hear(reply: RespReply): void {
  if (asked === null) return
  const { ids, atMs } = asked
  asked = null
  if ('error' in reply) {
    // Another one was promoted.
    if (/\bREADONLY\b/.test(reply.error)) drop()
    return schedule(Math.min(500, intervalMs()))
  }
  isProven = true
  const [serverMs = 0, ...alive] = reply.numbers
  for (const [index, id] of ids.entries()) if (alive[index] === 0 && leases.delete(id)) tell({ lost: id })
  tell({ askedMs: atMs, offsetMs: serverMs - (atMs + Date.now()) / 2 })
  if (isDue) schedule(0)
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
  if (line === null && target === null) return
  line ??= open(target as Target)
  // Refused or not: what has not gone back goes as soon as its loop is free.
  line.send(['EVAL', yieldScript, 1, hash, from, upTo, redoPrefix, hostname])
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
