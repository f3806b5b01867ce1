// A failure goes outward from chord to chord under kills: each of them fails once and calls its errback once, also those
// so far out that only pages name them.
import { chord, type Signature } from 'lovage'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type FaultCase, range } from '../support/scene.js'
import { killUnder } from './edges.js'

/** Further out than the eighth, a chord stands on pages alone. */
const chords = 20
/** Two in each header, less the chords; and an errback for each. */
const messages = chords + 1 + chords

type Loose = Signature<[], number>

export const cascade: FaultCase = {
  name: 'cascade',
  title: `a failure inside ${chords} chords in each other, under kills: each fails once, and tells its errback once`,
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [many, kills] = size === 'full' ? [40, 12] : [4, 1]
    const { app, add, refuse, total, tell } = scene.client('ours')
    const around = (inner: Loose): Loose => chord([add.s(1, 1), inner], total.s()) as unknown as Loose
    const nested = range(chords).reduce<Loose>(around, refuse.s(1, 1) as unknown as Loose)
    const sent = await Promise.all(range(many).map(() => app.send(nested.linkError(tell.s()))))
    const graphs = await scene.outside.keys('lovage:graph:*')
    await killUnder(scene, kills, many * messages, ['ours'])
    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    await scene.quiet()
    const starts = ledger.starts()
    const told = starts.filter(({ task }) => task === 'tell')
    const failed = distinct(told.map(({ args }) => args?.[0]))
    report.count('canvases', many)
    report.count('lost', missing.length)
    report.count('chords', many * chords)
    report.count('of which failed', failed)
    report.count('errbacks called', distinct(told.map(messageOf)))
    report.count('starts', starts.length)
    report.must('what lies far out is on pages', graphs.length === many)
    report.must(
      '0 lost: every canvas has failed with a ChordError',
      metas.every((meta) => (meta?.result as { exc_type?: string } | undefined)?.exc_type === 'ChordError'),
    )
    report.must(`each chord has failed (${many * chords})`, failed === many * chords)
    report.must('and told its errback once', distinct(told.map(messageOf)) === many * chords)
    report.must('no body has run', ledger.starts('total').length === 0)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
