// A task that blocks its worker's event loop for longer than a lease keeps its message all the same, and holds up
// nothing that its worker had fetched. Two of three workers get one; one of the three has a single slot.
import { type FaultCase, range } from '../support/scene.js'

export const busy: FaultCase = {
  name: 'busy',
  title: 'tasks that burn a core past their lease, among quick ones, with a rival',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [lease, ms, many] = size === 'full' ? [2, 10_000, 1000] : [1, 2500, 100]
    const { grind, add } = scene.client()
    await Promise.all([1, 8, 8].map((concurrency) => scene.worker({ concurrency, lease })))
    const quick = () => range(many).map((index) => add.delay(index, 1))
    // With these all find that their tasks are quick, and fetch ahead.
    const early = await Promise.all(quick())
    const missed = await scene.finished(early.map(({ id }) => id))
    const sent = await Promise.all([...quick(), grind.delay(1, ms), grind.delay(2, ms), ...quick()])
    const missing = await scene.finished(
      sent.map(({ id }) => id),
      3 * ms + 15_000,
    )
    const starts = ledger.starts()
    const [first] = ledger.ends('grind')
    const behind = starts.filter(({ at }) => at >= (first?.at ?? 0)).length
    report.inject(`two event loops blocked for ${ms / 1000} s, leases of ${lease} s, ${3 * many} quick tasks`)
    report.count('starts', starts.length)
    report.count('quick tasks that began only after a long one', behind)
    report.must('all end', missed.length + missing.length === 0)
    report.must('each runs once', starts.length === 3 * many + 2)
    if (size === 'full') report.must('no quick task waits for a long one', behind === 0)
    await scene.settle()
  },
}
