// A plain interpreter of canvases: what each gives, which tasks run how often, and what must have ended before
// what starts. No queue, no messages, no ids: the words of docs/canvas.md, as code.
import { reprException } from '../../../src/runtime/failure.js'
import { type Stamps, stampsOf } from './stamps.js'
import { callsOf, messagesOf, render, tidy, type Value } from './words.js'
import type { Calls, Task, Work } from './work.js'

export interface Failure {
  readonly name: string
  readonly message: string
}

/** How a result ends. A row has one end for each member, and a failure of its own if none of them ever ran. */
export type End =
  | { readonly kind: 'value'; readonly value: Value; readonly stored: boolean }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly stored: boolean }
  | { readonly kind: 'row'; readonly ends: readonly End[]; readonly failure?: Failure }

export interface Meaning {
  readonly end: End
  /** Label → how often its code runs. */
  readonly runs: ReadonlyMap<string, number>
  /** Label → the stamps with which each of its runs comes. */
  readonly stamps: ReadonlyMap<string, Stamps>
  /** The first has ended before the second starts. */
  readonly before: readonly (readonly [string, string])[]
}

// ---------------------------------------------------------------------------------------------------
// A canvas as a line: chains opened, a group of one opened, a chord as its header and then its body

type Line = readonly Step[]
type Step = One | Row

/** A task, or many calls of one, with what is linked to it: by itself, or from around. */
interface One extends Links {
  readonly kind: 'one'
  readonly work: Task | Calls
}

/** What runs side by side. `opens`: it is a group that is its only member, as soon as something comes behind. */
interface Row {
  readonly kind: 'row'
  readonly lines: readonly Line[]
  readonly opens: boolean
}

interface Links {
  readonly link: readonly Follower[]
  readonly linkError: readonly Work[]
}

/** A callback. From a group it gets no value: it stands at one member, and is not about that one's result. */
interface Follower {
  readonly work: Work
  readonly silent: boolean
}

const lineOf = (work: Work): Line => {
  switch (work.kind) {
    case 'chain':
      return given(work.parts.flatMap(lineOf).reduceRight<Line>(inFront, []), linksOf(work))
    case 'group':
      return given([rowOf(work.parts, true)], linksOf(work))
    case 'chord':
      return given([rowOf(work.parts, false), ...lineOf(work.body)], linksOf(work))
    default:
      return [{ kind: 'one', work, ...linksOf(work) }]
  }
}

/** A group of one that stands in a chain is that one; at the end of a chord it stays a group. */
const inFront = (behind: Line, step: Step, index: number, all: Line): Line => {
  const isBody = index > 0 && behind.length === 0 && isHeader(all[index - 1])
  const opened = step.kind === 'row' && step.opens && step.lines.length === 1 && !isBody
  return opened ? (step.lines[0] as Line).reduceRight<Line>(inFront, behind) : [step, ...behind]
}

const isHeader = (step: Step | undefined): boolean => step?.kind === 'row' && !step.opens

/** Groups in a group stand in one row. */
const rowOf = (parts: readonly Work[], opens: boolean): Row => ({
  kind: 'row',
  lines: parts.map(lineOf).flatMap((line) => {
    const [only] = line
    return line.length === 1 && only?.kind === 'row' ? only.lines : [line]
  }),
  opens,
})

const linksOf = ({ link, linkError }: Work): Links => ({
  link: link.map((work) => ({ work, silent: false })),
  linkError,
})

/** Callbacks are for the end of the line; errbacks for each step, but of a header only for the chords in it. */
const given = (line: Line, links: Links): Line =>
  line.map((step, i) => {
    const isLast = i === line.length - 1
    if (!isLast && isWide(step))
      return step.kind === 'row' ? { ...step, lines: step.lines.map((inner) => toChord(inner, links)) } : step
    if (step.kind === 'row') return { ...step, lines: inRow(step.lines, links) }
    return {
      ...step,
      link: isLast ? [...step.link, ...links.link] : step.link,
      linkError: [...step.linkError, ...links.linkError],
    }
  })

const toChord = (line: Line, { linkError }: Links): Line =>
  line.length > 1 && isWide(line[0] as Step) ? given(line, { link: [], linkError }) : line

/** Chunks are the group of their messages. */
const isWide = (step: Step): boolean => step.kind === 'row' || step.work.kind === 'chunks'

const inRow = (lines: readonly Line[], { link, linkError }: Links): readonly Line[] =>
  lines.map((line, i) =>
    given(line, { link: i === 0 ? link.map(({ work }) => ({ work, silent: true })) : [], linkError }),
  )

/** What ends in a row, with a step behind it that gives the list of the results: a task has one. */
const asOne = (line: Line): Line =>
  isWide(line.at(-1) as Step) ? [...line, { kind: 'one', work: collects, link: [], linkError: [] }] : line

/** Nobody's task: its code is not among those that are counted. */
const collects: Task = {
  kind: 'task',
  label: '',
  way: 'works',
  immutable: false,
  ignored: false,
  link: [],
  linkError: [],
}

// ---------------------------------------------------------------------------------------------------
// Running it

interface Done {
  readonly end: End
  /** What is over when this end is known. */
  readonly ran: readonly string[]
}

/** A place in a header: its chord waits for what is added, too. */
type Seat = Done[]

export const meaning = (work: Work): Meaning => {
  const runs = new Map<string, number>()
  const before: (readonly [string, string])[] = []
  const copied = new Set<string>()

  const start = (label: string, after: readonly string[], times: number) => {
    if (runs.has(label)) copied.add(label)
    runs.set(label, (runs.get(label) ?? 0) + times)
    for (const earlier of after) before.push([earlier, label])
  }

  const follow = (
    [step, ...rest]: Line,
    input: Value | undefined,
    after: readonly string[],
    seat?: Seat,
  ): Done => {
    if (step === undefined) throw new Error('a line without steps')
    const isLast = rest.length === 0
    const done =
      step.kind === 'row'
        ? sideBySide(step, input, after, !isLast || seat !== undefined)
        : one(step, input, after, isLast ? seat : undefined)
    if (isLast) return done
    const failure = failureOf(done.end)
    if (failure === undefined) return follow(rest, valueOf(done.end), done.ran, seat)
    // A task has called its errbacks; of a row, those of what comes next are called.
    if (done.end.kind === 'row') for (const errback of errbacksOf(rest)) follow(errback, '<id>', done.ran)
    return { end: never(rest, failure), ran: done.ran }
  }

  /** What was added by a member of a header stands behind that one. */
  const sideBySide = (
    { lines }: Row,
    input: Value | undefined,
    after: readonly string[],
    isHeader: boolean,
  ): Done => {
    const all = lines.flatMap((line) => {
      const added: Done[] = []
      return [follow(line, input, after, isHeader ? added : undefined), ...added]
    })
    const ran = all.flatMap((done) => done.ran)
    return { end: { kind: 'row', ends: all.map(({ end }) => end) }, ran: all.length === 0 ? after : ran }
  }

  const one = (
    { work, link, linkError }: One,
    input: Value | undefined,
    after: readonly string[],
    seat?: Seat,
  ): Done => {
    if (work.kind === 'chunks') {
      const lines = inRow(messagesOf(work).map(lineOf), { link, linkError })
      return sideBySide({ kind: 'row', lines, opens: false }, input, after, false)
    }
    const add = ({ label, adds = [] }: Task) => {
      for (const added of seat === undefined ? [] : adds)
        seat?.push(follow(asOne(lineOf(added)), undefined, [label], seat))
    }
    if (work.kind === 'task' && work.heir !== undefined) {
      start(work.label, after, 1)
      add(work)
      const line = given(asOne(lineOf(work.heir)), { link, linkError })
      const done = follow(line, undefined, [work.label], seat)
      // Its end is the task's: stored where the task's result is.
      return { end: { ...done.end, stored: !work.ignored } as End, ran: done.ran }
    }
    const { end, ran } = work.kind === 'task' ? call(work, input, after) : calls(work, after)
    if (end.kind === 'value' && work.kind === 'task') add(work)
    if (end.kind === 'failure') for (const errback of linkError) follow(lineOf(errback), '<id>', ran)
    if (end.kind === 'value')
      for (const { work: next, silent } of link) follow(lineOf(next), silent ? undefined : end.value, ran)
    return { end, ran }
  }

  const call = (task: Task, input: Value | undefined, after: readonly string[]): Done => {
    if (task === collects) return { end: { kind: 'value', value: input ?? [], stored: true }, ran: after }
    const { label, way, immutable, ignored } = task
    start(label, after, way === 'retries' || way === 'gives up' ? 2 : 1)
    const ran = [label]
    if (way === 'fails' || way === 'gives up')
      return { end: { kind: 'failure', failure: boom(label), stored: !ignored }, ran }
    const value = render(label, immutable || input === undefined ? [] : [input])
    return { end: { kind: 'value', value, stored: !ignored }, ran }
  }

  const calls = (work: Calls, after: readonly string[]): Done => {
    const ran: string[] = []
    for (const { label, isBad } of callsOf(work)) {
      start(label, ran.length === 0 ? after : ran.slice(-1), 1)
      ran.push(label)
      if (isBad) return { end: { kind: 'failure', failure: boom(label), stored: true }, ran: ran.slice(-1) }
    }
    return { end: { kind: 'value', value: ran, stored: true }, ran: ran.slice(-1) }
  }

  const { end } = follow(lineOf(work), undefined, [])
  // A callback that was copied to several places runs once for each: which of them is not told.
  return {
    end,
    runs,
    stamps: stampsOf(work),
    before: before.filter((pair) => !pair.some((label) => copied.has(label))),
  }
}

const boom = (label: string): Failure => ({ name: 'TypeError', message: `boom ${label}` })

const valueOf = (end: End): Value => {
  if (end.kind === 'row') return end.ends.map(valueOf)
  if (end.kind === 'value') return end.value
  throw new Error('the value of a failure')
}

/** Of a row that ran: the first member that failed, in order, with its own words. */
const failureOf = (end: End): Failure | undefined => {
  if (end.kind === 'value') return undefined
  if (end.failure !== undefined || end.kind === 'failure') return end.failure
  const first = end.ends.map(failureOf).find((failure) => failure !== undefined)
  if (first === undefined) return undefined
  const { name, message } = first
  const raised = reprException({ exc_type: name, exc_message: [message], exc_module: null })
  return { name: 'ChordError', message: `Dependency <id> raised ${raised}` }
}

/** The end of what never runs. */
const never = (line: Line, failure: Failure): End => {
  const last = line.at(-1) as Step
  if (last.kind === 'row')
    return { kind: 'row', failure, ends: last.lines.map((inner) => never(inner, failure)) }
  const { work } = last
  if (work.kind === 'chunks')
    return {
      kind: 'row',
      failure,
      ends: messagesOf(work).map(() => ({ kind: 'failure', failure, stored: true })),
    }
  return { kind: 'failure', failure, stored: work.kind !== 'task' || !work.ignored }
}

/** Who is called when what stands before the line has failed as a whole: for the first task of it, once. */
const errbacksOf = (line: Line): readonly Line[] => {
  const first = line.find((step, i) => !isWide(step) || i === line.length - 1)
  if (first === undefined) return []
  if (first.kind === 'row') return first.lines.flatMap(errbacksOf)
  const { work, linkError } = first
  if (work === collects)
    return [...errbacksOf(line.slice(0, line.indexOf(first)).slice(-1)), ...linkError.map(lineOf)]
  return (work.kind === 'chunks' ? messagesOf(work) : [work]).flatMap(() => linkError.map(lineOf))
}

// ---------------------------------------------------------------------------------------------------
// For comparing

/** What a caller sees of an end. */
export const seen = (end: End): unknown => {
  if (end.kind === 'row') return end.ends.map(seen)
  if (!end.stored) return 'not stored'
  return end.kind === 'value' ? tidy(end.value) : `${end.failure.name}: ${end.failure.message}`
}

/** Ids differ from run to run. */
export const withoutIds = (text: string) => text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')

export const inOrder = (runs: ReadonlyMap<string, number>) => [...runs].sort(([a], [b]) => (a < b ? -1 : 1))
