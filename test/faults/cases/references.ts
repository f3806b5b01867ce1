// Canvases by reference under kills: what lies in the broker once is carried on once, and nothing of it is left.
import { chain, group, type Signature } from 'lovage'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import { type FaultCase, range } from '../support/scene.js'
import { killUnder } from './edges.js'

const steps = 60
const stages = 8
const members = 12

export const references: FaultCase = {
  name: 'references',
  title: `chains of ${steps} and stages of groups by reference, under kills: each step once, nothing left`,
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [many, kills] = size === 'full' ? [20, 10] : [5, 2]
    const { add, total } = scene.client()
    const loosely = chain as unknown as (steps: readonly unknown[]) => Signature<[], number>
    const long = chain(add.s(0, 1), ...range(steps - 1).map(() => add.s(1)))
    const staged = loosely(
      range(stages).flatMap((stage) => [
        group(range(members).map((index) => (stage === 0 ? add.s(index, 0) : add.s(0)))),
        total.s(),
      ]),
    )
    const sent = await Promise.all(range(many).flatMap(() => [long.delay(), staged.delay()]))
    const right = [steps, ((members * (members - 1)) / 2) * members ** (stages - 1)]
    const runs = many * (steps + stages * (members + 1))
    await killUnder(scene, kills, runs)
    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    const starts = ledger.starts()
    report.count('canvases', ids.length)
    report.count('lost', missing.length)
    report.count('steps', distinct(starts.map(messageOf)))
    report.count('starts', starts.length)
    report.must(
      '0 lost: every canvas has its right result',
      metas.every((meta, index) => meta?.status === 'SUCCESS' && meta.result === right[index % 2]),
    )
    report.must(`each step was sent once (${runs})`, distinct(starts.map(messageOf)) === runs)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
