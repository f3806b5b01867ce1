// One child, as its pool sees it: starting, idle, busy, leaving. It has one job at most: what it has not begun
// yet lies with the pool, where another child can take it.
import type { ChildLimits, Frame, FromChild, Link, StartChild, ToChild } from './messages.js'
import type { Json } from '../pool.js'
import { Outbox } from './outbox.js'

export type ChildState = 'starting' | 'idle' | 'busy' | 'leaving'

export interface ChildEvents<Run> {
  /** It has loaded, and is idle for the first time. */
  ready(child: Child<Run>, facts: Json): void
  broken(child: Child<Run>, why: string): void
  full(child: Child<Run>, rssKib: number): void
  /** About its run: an end, a question, a line. */
  heard(child: Child<Run>, message: FromChild): void
  /** It is gone, with what it ran. */
  gone(child: Child<Run>, how: string): void
}

/** User code can say what it likes in a child's name, and can break what speaks for it there. */
export const unreadable = (error: unknown): string => `nobody can read what it said: ${String(error)}`

/** A child that was asked to leave and does not is killed. */
const leaveMs = 5000

export class Child<Run> {
  state: ChildState = 'starting'
  run: Run | undefined
  /** Jobs that ended here. */
  done = 0
  private readonly link: Link
  private readonly outbox: Outbox<ToChild>
  private timer: NodeJS.Timeout | undefined
  private whyKilled: string | undefined

  /** `name` is what the log calls it, where it has a name. */
  constructor(
    readonly name: string | undefined,
    start: StartChild,
    cargo: Json,
    limits: ChildLimits,
    aliveMs: number,
    events: ChildEvents<Run>,
  ) {
    this.link = start({
      frame: (frame) => {
        // In a thread user code can reach the port: what it says there is not for us.
        if (!Array.isArray(frame)) return
        for (const message of frame as Frame<FromChild>)
          if (Array.isArray(message)) this.hear(message, events)
      },
      gone: (how) => {
        clearTimeout(this.timer)
        events.gone(this, this.whyKilled ?? how)
      },
    })
    this.outbox = new Outbox((frame) => this.link.send(frame))
    this.outbox.say(['load', cargo, limits])
    const late = `not ready within ${aliveMs / 1000}s (workerProcAliveTimeout)`
    this.timer = setTimeout(() => this.kill(late), aliveMs)
  }

  get id(): number {
    return this.link.id
  }

  say(message: ToChild): void {
    this.outbox.say(message)
  }

  /** `why` stands for what the system would say of it. */
  kill(why?: string): void {
    this.whyKilled ??= why
    this.link.kill()
  }

  /** It gets nothing more, and ends when it has ended what it runs. */
  leave(): void {
    if (this.state === 'leaving') return
    this.state = 'leaving'
    clearTimeout(this.timer)
    if (this.run === undefined) this.end()
  }

  /** What it ran has ended. */
  finish(): void {
    this.run = undefined
    this.done += 1
    if (this.state === 'leaving') this.end()
  }

  private end(): void {
    this.say(['end'])
    this.timer = setTimeout(() => this.kill('it did not end when it was asked to'), leaveMs)
  }

  private hear(message: FromChild, events: ChildEvents<Run>): void {
    switch (message[0]) {
      case 'ready':
        clearTimeout(this.timer)
        if (this.state !== 'starting') return
        this.state = 'idle'
        return events.ready(this, message[1])
      case 'broken':
        return events.broken(this, message[1])
      case 'full':
        return events.full(this, message[1])
      default:
        try {
          return events.heard(this, message)
        } catch (error) {
          this.kill(unreadable(error))
        }
    }
  }
}
