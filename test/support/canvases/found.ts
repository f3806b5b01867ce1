// Canvases in which random ones found a fault, made as small as they get: they are tried for ever.
import {
  type Calls,
  type Chord,
  labelled,
  type Row,
  type Stamped,
  type Task,
  type Way,
  type Work,
} from './work.js'

const links = { link: [], linkError: [] }
const task = (way: Way = 'works', more: Partial<Task> = {}): Task => ({
  kind: 'task',
  label: '',
  way,
  immutable: false,
  ignored: false,
  ...links,
  ...more,
})
const chunks = (count: number, more: Partial<Calls> = {}): Calls => ({
  kind: 'chunks',
  label: '',
  count,
  bad: -1,
  n: 1,
  ...links,
  ...more,
})
const chain = (parts: readonly Work[], more: Partial<Row> = {}): Row => ({
  kind: 'chain',
  parts,
  ...links,
  ...more,
})
const group = (parts: readonly Work[], more: Partial<Row> = {}): Row => ({
  ...chain(parts, more),
  kind: 'group',
})
const chord = (parts: readonly Work[], body: Work, more: Partial<Chord> = {}): Chord => ({
  kind: 'chord',
  parts,
  body,
  ...links,
  ...more,
})
const said = (...run: string[]): Stamped => ({ stamps: { run }, append: false })
const [works, fails] = [task(), task('fails')]

const cases: Readonly<Record<string, Work>> = {
  'chunks in a header are one of its results': chord([chunks(2), works], works),
  'chunks in the middle of a chain, with a callback': chain([
    works,
    chunks(3, { n: 2, link: [works] }),
    works,
  ]),
  'chunks of one at the end of a body that waits stay a list': chord(
    [chord([works], chain([fails]))],
    chain([chunks(1)]),
  ),
  'errbacks of a group in the body of a body': chord(
    [fails],
    chord([works], group([works, works], { linkError: [works] })),
  ),
  'errbacks of a group that reports as one, and never runs': chord(
    [chord([chord([fails], works), works], group([works], { linkError: [works] })), works],
    works,
  ),
  'errbacks of chunks that never run': chain(
    [works, chord([chord([fails, works], works)], group([chunks(1, { linkError: [works] })]))],
    { linkError: [fails] },
  ),
  'a body that is a chain has the errbacks of the chain and of its first step': chord(
    [fails],
    chain([task('works', { linkError: [works] }), works], { linkError: [works] }),
  ),
  'a step behind one whose result is ignored': chain([task('fails', { ignored: true }), works]),
  'the errbacks of a task in whose place a chord never comes to its group': task('is replaced', {
    heir: chord([fails], group([task('works', { linkError: [works] })])),
    linkError: [works],
  }),
  'the callback of a chain that ends in a group, in a header': chord(
    [chain([chord([works], works), group([works, fails])], { link: [works] }), fails],
    works,
  ),
  'the callback of chords in a chain that end in a group, in a header': chord(
    [chain([chord([works], works), chord([works], works), group([works, fails, works])], { link: [works] })],
    works,
  ),
  'stamps of a group that became a header are not those of the body': chain([
    task('is replaced', { heir: chain([chunks(1, { stamped: said('a') }), works]), stamped: said('b') }),
    works,
  ]),
  'a list of stamps goes past the single one of a group that became a header': chain(
    [
      task('is replaced', {
        heir: chain([chunks(1, { stamped: { stamps: { run: 'a' }, append: false }, link: [works] }), works], {
          stamped: said('a'),
        }),
        stamped: said('c', 'a'),
      }),
      works,
    ],
    {},
  ),
  'what is added by a task that is replaced, and by what takes its place': chord(
    [task('is replaced', { heir: task('works', { adds: [works] }), adds: [group([works, works])] }), works],
    works,
  ),
}

export const found: readonly (readonly [sentence: string, work: Work])[] = Object.entries(cases).map(
  ([sentence, work]) => [sentence, labelled(work)],
)
