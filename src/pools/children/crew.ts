// The children of a pool: as many as are wanted. One that ends is replaced; one that dies without having been given
// anything, ever more slowly. Who is idle may be taken, and comes back when it has ended what it was given.
import { availableParallelism } from 'node:os'
import { ImproperlyConfigured } from '../../errors.js'
import type { ChildLine, Json } from '../pool.js'
import { Child, type ChildEvents, type ChildState } from './child.js'
import type { FromChild, StartChild } from './messages.js'

export interface CrewOptions {
  /** Of the pool. */
  readonly name: string
  /** How many are wanted. */
  readonly concurrency: number
  readonly start: StartChild
  /** What the log calls the n-th child that is started; those that replace others count on. */
  readonly nameOf?: (n: number) => string
  /** What a child loads. */
  readonly cargo: Json
  /** Looks at what the first child has loaded; what it throws ends the start. */
  readonly check: (facts: Json) => void
  /** Seconds that a child may take until it is ready. */
  readonly aliveTimeout: number
  /** Jobs, after which a child is replaced. */
  readonly maxTasksPerChild: number | undefined
  /** KiB, above which it is. */
  readonly maxMemoryPerChild: number | undefined
}

export interface CrewListener<Run> {
  /** It is idle. True: it has been given something. */
  readonly offer: (child: Child<Run>) => boolean
  readonly hear: (child: Child<Run>, message: FromChild) => void
  /** What ran it is gone. */
  readonly lose: (run: Run, how: string) => void
  readonly say: (line: ChildLine) => void
  /** So many can run something, and nobody knows whether there will ever be more; Infinity: as many as are wanted. */
  readonly able: (most: number) => void
}

/** The pause before a child that died by itself is replaced; it doubles. */
const firstPauseMs = 100
const longestPauseMs = 10_000

/** A stop is told to a whole process group, also to a child that is too young to leave it to the worker. */
const wasTold = (state: ChildState, how: string): boolean =>
  state === 'starting' && /\((SIGTERM|SIGINT|SIGQUIT|SIGHUP)\)$/.test(how)

export class Crew<Run> {
  private readonly children = new Set<Child<Run>>()
  private readonly idle: Child<Run>[] = []
  private size: number
  private starts = 0
  private phase: 'new' | 'running' | 'stopped' = 'new'
  /** Children that died in a row without having been of use. */
  private deaths = 0
  private pause: NodeJS.Timeout | undefined
  /** The last that was started ended before it was ready. */
  private isBarren = false
  private able = Number.POSITIVE_INFINITY
  private started: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  private empty: (() => void)[] = []

  constructor(
    private readonly options: CrewOptions,
    private readonly listener: CrewListener<Run>,
  ) {
    this.size = options.concurrency
  }

  /** Resolves with the first child that is ready; the others follow. */
  start(): Promise<void> {
    this.phase = 'running'
    return new Promise((resolve, reject) => {
      this.started = { resolve, reject }
      this.fill()
    })
  }

  resize(size: number): void {
    this.size = size
    this.fill()
    while (this.idle.length > 0 && this.members > this.size) this.idle.shift()?.leave()
  }

  restart(): void {
    // Those that come now are not meant.
    const old = [...this.children].filter(({ state }) => state !== 'leaving')
    for (const child of old) this.dismiss(child)
  }

  /** Resolves when all are gone. What they run has ended. */
  async stop(): Promise<void> {
    this.phase = 'stopped'
    clearTimeout(this.pause)
    for (const child of this.children) child.leave()
    if (this.children.size > 0) await new Promise<void>((resolve) => this.empty.push(resolve))
  }

  /** Process ids (numbers of threads). */
  get ids(): readonly number[] {
    return [...this.children].map(({ id }) => id)
  }

  /** Who runs it. */
  with(run: Run): Child<Run> | undefined {
    for (const child of this.children) if (child.run === run) return child
    return undefined
  }

  /** One that is idle, which it is no longer. */
  take(): Child<Run> | undefined {
    return this.idle.pop()
  }

  /** It has ended what it was given. */
  back(child: Child<Run>): void {
    const { maxTasksPerChild } = this.options
    this.deaths = 0
    if (child.state !== 'leaving' && maxTasksPerChild !== undefined && child.done >= maxTasksPerChild)
      this.dismiss(child)
    this.rest(child)
  }

  private get members(): number {
    let count = 0
    for (const { state } of this.children) if (state !== 'leaving') count += 1
    return count
  }

  /** Idle or at work. */
  private get ready(): number {
    let count = 0
    for (const { state } of this.children) if (state === 'idle' || state === 'busy') count += 1
    return count
  }

  /** Starts what is missing; not more at once than there are cores to start them on. */
  private fill(): void {
    if (this.phase !== 'running' || this.pause !== undefined) return
    const { start, nameOf, cargo, maxMemoryPerChild, aliveTimeout } = this.options
    let starting = [...this.children].filter(({ state }) => state === 'starting').length
    for (; this.members < this.size && starting < availableParallelism(); starting += 1) {
      this.starts += 1
      const limits = { maxMemory: maxMemoryPerChild ?? null }
      const name = nameOf?.(this.starts)
      this.children.add(new Child(name, start, cargo, limits, aliveTimeout * 1000, this.events))
    }
  }

  private readonly events: ChildEvents<Run> = {
    ready: (child, facts) => {
      if (this.started !== undefined)
        try {
          this.options.check(facts)
          this.started.resolve()
          this.started = undefined
        } catch (error) {
          return this.fail(error as Error)
        }
      this.isBarren = false
      this.rest(child)
      this.fill()
      this.tellAble()
    },
    broken: (child, why) => {
      if (this.started === undefined) this.say('ERROR', `Child ${child.id} cannot load: ${why}`)
      else this.fail(new ImproperlyConfigured(`A child of the pool ${this.options.name} cannot load: ${why}`))
    },
    full: (child, rss) => {
      const { maxMemoryPerChild: most } = this.options
      this.say(
        'INFO',
        `Child ${child.id} has ${rss} KiB of memory, at most ${most} are wanted: it is replaced`,
      )
      this.dismiss(child)
    },
    heard: (child, message) => this.listener.hear(child, message),
    gone: (child, how) => this.bury(child, how),
  }

  /** It has nothing to do: there is something, or it waits, or it is one too many. */
  private rest(child: Child<Run>): void {
    if (child.state === 'leaving') return
    child.state = 'idle'
    if (this.members > this.size) return child.leave()
    if (!this.listener.offer(child)) this.idle.push(child)
  }

  /** Its last job was its last; what it does now it may end. */
  private dismiss(child: Child<Run>): void {
    const place = this.idle.indexOf(child)
    if (place >= 0) this.idle.splice(place, 1)
    child.leave()
    this.fill()
    this.tellAble()
  }

  private bury(child: Child<Run>, how: string): void {
    const { run, state } = child
    this.children.delete(child)
    const place = this.idle.indexOf(child)
    if (place >= 0) this.idle.splice(place, 1)
    child.run = undefined
    if (run !== undefined) this.listener.lose(run, how)
    if (this.started !== undefined)
      this.fail(
        new ImproperlyConfigured(
          `A child of the pool ${this.options.name} ended before it was ready: ${how}. ` +
            'What its module does at its top level must come to an end, and must not end the process.',
        ),
      )
    if (this.phase === 'stopped') {
      if (this.children.size === 0) for (const resolve of this.empty.splice(0)) resolve()
      return
    }
    if (run === undefined && state !== 'leaving') {
      this.say(wasTold(state, how) ? 'INFO' : 'ERROR', `Child ${child.id} ended: ${how}`)
      this.takeBreath()
    }
    if (state === 'starting' && !wasTold(state, how)) this.isBarren = true
    this.fill()
    this.tellAble()
  }

  private tellAble(): void {
    const most = this.isBarren ? this.ready : Number.POSITIVE_INFINITY
    if (most === this.able) return
    this.able = most
    this.listener.able(most)
  }

  private takeBreath(): void {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.deaths)
    this.deaths += 1
    clearTimeout(this.pause)
    this.pause = setTimeout(() => {
      this.pause = undefined
      this.fill()
    }, ms)
  }

  /** It never began: nobody is left behind. */
  private fail(error: Error): void {
    this.started?.reject(error)
    this.started = undefined
    this.phase = 'stopped'
    for (const child of this.children) child.kill()
  }

  private say(level: 'INFO' | 'ERROR', text: string): void {
    this.listener.say({ level, text, fields: {} })
  }
}
