// Three beats of one app as processes, the ticks that they should fire, and those that ran: by the ledger, in which
// each run of a tick has the id that is made of its entry and its moment.
import { createApp } from 'lovage'
import { tickId } from '../../../src/beat/tick-id.js'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { publishedTwice } from './ledger.js'
import { range, type Scene } from './scene.js'
import { Wire } from './wire.js'

/** What programs/beat.js declares: the entry, and its interval in ms. */
const entries = { all: 250, last: 1000 } as const
type EntryName = keyof typeof entries

export interface Member {
  beat: Running
  readonly wire: Wire
}

/** The last that it said of itself. */
const leads = ({ beat }: Member): boolean =>
  /this one (fires|does not fire) now/.exec(beat.output().split('\n').reverse().join('\n'))?.[1] === 'fires'

const patience = { timeout: 40_000 }
const minute = 60_000

export class Team {
  readonly members: Member[] = []
  readonly #startedAt = Date.now()

  private constructor(
    readonly scene: Scene,
    readonly name: string,
  ) {}

  static async open(scene: Scene, name: string): Promise<Team> {
    const team = new Team(scene, name)
    await Promise.all(range(3).map(() => team.join()))
    await team.progress()
    return team
  }

  /** One more beat; resolves when it runs. */
  async join(): Promise<void> {
    const wire = await Wire.open(this.scene.redis.url)
    this.scene.atEnd(() => wire.close())
    const beat = this.scene.beat({ broker: wire.url, team: this.name, jumps: [3_600_000, -3_600_000, 0] })
    this.members.push({ beat, wire })
    await beat.line(/^ready$/)
  }

  /** The one that fires; of those that believe so, another than `but`. */
  leader(but?: Member): Promise<Member> {
    return until(() => this.members.find((member) => member !== but && leads(member)), {
      ...patience,
      message: () => `${this.name}: nobody fires\n${this.said()}`,
    })
  }

  /** It knows that it does not fire any more. */
  yields(member: Member): Promise<unknown> {
    return until(() => !leads(member), {
      ...patience,
      message: () => `${this.name}: it still believes that it fires\n${member.beat.output()}`,
    })
  }

  /** Some more ticks ran. */
  async progress(): Promise<void> {
    const before = this.ran('all').length
    await until(() => this.ran('all').length >= before + 6, {
      ...patience,
      message: () => `${this.name}: no ticks run\n${this.said()}`,
    })
  }

  said(): string {
    return this.members.map(({ beat }) => beat.output()).join('\n')
  }

  /** Ends all as an operator would, and takes the entries away. */
  async stop(): Promise<void> {
    const { report, redis } = this.scene
    const exits = await Promise.all(this.members.map(({ beat }) => beat.stop('SIGTERM')))
    report.must(
      `${this.name}: every beat leaves at SIGTERM`,
      exits.every(({ code }) => code === 0),
    )
    const app = createApp(this.name, { broker: redis.url })
    for (const entry of Object.keys(entries)) await app.beat.remove(entry)
    await app.close()
  }

  /** Ticks of an entry that ran, in order, as Unix ms. */
  ran(entry: EntryName): readonly number[] {
    return [...this.#runs(entry).keys()].sort((a, b) => a - b)
  }

  /** The longest time, in seconds, in which nothing of this team ran. */
  get silence(): number {
    const moments = [...this.#runs('all').values()].flat().sort((a, b) => a - b)
    return Math.max(...moments.slice(1).map((at, index) => at - moments[index]!)) / 1000
  }

  /** To be called when everything that was sent has run. */
  judge(): void {
    const { report, ledger } = this.scene
    const [all, last] = [this.ran('all'), this.ran('last')]
    const ids = new Set((['all', 'last'] as const).flatMap((entry) => [...this.#idsOf(entry).keys()]))
    const twice = publishedTwice(ledger.starts().filter(({ id }) => ids.has(id)))
    const due = (all.at(-1)! - all[0]!) / entries.all + 1
    report.count(`${this.name}: ticks due`, due)
    report.count('ran', all.length)
    report.count('twice', twice)
    report.count('of each second', `${last.length} of ${(last.at(-1)! - last[0]!) / entries.last + 1}`)
    report.count('longest silence', `${this.silence.toFixed(1)} s`)
    report.must(`${this.name}: each tick ran exactly once (catchUp: all)`, all.length === due && twice === 0)
    report.must(
      `${this.name}: ticks are passed over (catchUp: last) only where nothing was fired for so long`,
      // A busy worker may run the one before late; so half of it is asked for.
      this.#passedOver().every(({ gapMs, silenceMs }) => silenceMs >= gapMs / 2 - entries.last),
    )
  }

  /** Where ticks of `last` are missing: from tick to tick, and from run to run. */
  #passedOver(): readonly { readonly gapMs: number; readonly silenceMs: number }[] {
    const ticks = this.ran('last')
    const runs = this.#runs('last')
    return ticks.slice(1).flatMap((tick, index) => {
      const gapMs = tick - ticks[index]!
      const before = Math.max(...runs.get(ticks[index]!)!)
      const silenceMs = Math.max(...runs.get(tick)!) - before
      return gapMs > entries.last ? [{ gapMs, silenceMs }] : []
    })
  }

  /** tick → when it ran. */
  #runs(entry: EntryName): ReadonlyMap<number, readonly number[]> {
    const ids = this.#idsOf(entry)
    const runs = new Map<number, number[]>()
    for (const { id, at } of this.scene.ledger.starts('nap')) {
      const tick = ids.get(id)
      if (tick !== undefined) runs.set(tick, [...(runs.get(tick) ?? []), at])
    }
    return runs
  }

  readonly #ids = new Map<EntryName, Map<string, number>>()
  #idsOf(entry: EntryName): ReadonlyMap<string, number> {
    const ids = this.#ids.get(entry) ?? new Map<string, number>()
    this.#ids.set(entry, ids)
    const step = entries[entry]
    const known = ids.size
    const first = Math.floor((this.#startedAt - minute) / step) * step
    for (let tick = first + known * step; tick < Date.now() + minute; tick += step)
      ids.set(tickId(this.name, entry, tick), tick)
    return ids
  }
}
