// Leases, seen from the main thread: which consumers are to be kept, and what the thread tells: the server's
// clock, and that a lease is gone.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../log.js'
import { scripts } from './scripts.js'
import type { Address } from './address.js'

export interface LeaseThreadData {
  readonly address: Address
  /** The text of `renew`, and of `yield`. */
  readonly script: string
  readonly yieldScript: string
  /** The set of consumers, and kombu's `unacked_index`. */
  readonly keys: readonly [string, string]
}

/** One lease that the thread renews. */
export interface Lease {
  readonly id: string
  readonly leaseMs: number
  /** Where a queue is shared with Python workers: the consumer's hash, and what stands before its tags there. */
  readonly listed: { readonly hash: string; readonly tags: string } | null
  /** Where its own loop runs the tasks: what waits behind one that blocks it goes back (standby.ts). */
  readonly standby?: StandbyLease | undefined
}

export interface StandbyLease {
  readonly buffer: SharedArrayBuffer
  readonly hash: string
  readonly redoPrefix: string
  readonly hostname: string
}

export type ToThread = { readonly keep: Lease } | { readonly drop: string } | { readonly watch: string }

/** What was kept is renewed: asked for at `askedMs` (our clock); the server's clock minus ours is `offsetMs`. */
export type ToParent = { readonly lost: string } | { readonly askedMs: number; readonly offsetMs: number }

/** Built, the thread's module is a file of JavaScript; where the sources are run, jiti compiles it there. */
const startThread = (workerData: LeaseThreadData): Worker => {
  const built = new URL('./lease-thread.js', import.meta.url)
  const options = { workerData, resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 } }
  if (existsSync(built)) return new Worker(built, options)
  const source = fileURLToPath(new URL('./lease-thread.ts', import.meta.url))
  const jiti = JSON.stringify(createRequire(import.meta.url).resolve('jiti'))
  const code = `require(${jiti}).createJiti(${JSON.stringify(source)}).import(${JSON.stringify(source)})`
  return new Worker(code, { workerData, eval: true })
}

const restartMs = 250

interface Kept {
  readonly lease: Lease
  readonly onLost: (id: string) => void
  /** It lasts until then by our clock; longer only if we do not know it yet. */
  sureUntilMs: number
}

export class LeaseKeeper {
  readonly #data: LeaseThreadData
  readonly #onClock: (offsetMs: number) => void
  readonly #kept = new Map<string, Kept>()
  #thread: Worker | null = null

  constructor(
    address: Address,
    keys: LeaseThreadData['keys'],
    private readonly log: Logger,
    onClock: (offsetMs: number) => void,
  ) {
    this.#data = { address, script: scripts.renew.text, yieldScript: scripts.yield.text, keys }
    this.#onClock = onClock
  }

  keep({ onLost, ...lease }: Lease & Pick<Kept, 'onLost'>): void {
    this.#kept.set(lease.id, { lease, onLost, sureUntilMs: Date.now() + lease.leaseMs })
    this.#thread ??= this.#start()
    this.#tell({ keep: lease })
  }

  drop(id: string): void {
    if (!this.#kept.delete(id)) return
    this.#tell({ drop: id })
    if (this.#kept.size > 0) return
    const thread = this.#thread
    this.#thread = null
    void thread?.terminate()
  }

  /** Something begins again whose lease is kept: whoever stands by is looked after. */
  watch(id: string): void {
    this.#tell({ watch: id })
  }

  /** Not so after we were frozen, or blocked, for as long as a lease: then somebody has to be asked. */
  isSure(id: string): boolean {
    return Date.now() < (this.#kept.get(id)?.sureUntilMs ?? 0)
  }

  #replace(ended: Worker): void {
    if (this.#thread !== ended) return
    this.#thread = this.#start()
    for (const { lease } of this.#kept.values()) this.#tell({ keep: lease })
  }

  #tell(message: ToThread): void {
    this.#thread?.postMessage(message)
  }

  #start(): Worker {
    const thread = startThread(this.#data)
    thread.on('message', (message: ToParent) => {
      if ('lost' in message) return this.#kept.get(message.lost)?.onLost(message.lost)
      for (const kept of this.#kept.values())
        kept.sureUntilMs = Math.max(kept.sureUntilMs, message.askedMs + kept.lease.leaseMs)
      this.#onClock(message.offsetMs)
    })
    thread.on('error', (error) => this.log.error(`The thread that renews leases failed: ${String(error)}`))
    thread.on('exit', () => {
      // It must not be missed for long: a lease lasts seconds.
      setTimeout(() => this.#replace(thread), restartMs).unref()
    })
    thread.unref()
    return thread
  }
}
