// A task that blocks its worker's event loop for longer than a lease keeps its message all the same, and holds up
// nothing that its worker had fetched ahead.
import { type FaultCase, range } from '../support/scene.js'

export const busy: FaultCase = {
  name: 'busy',
  title: 'a task that burns a core past its lease, among quick ones, with a rival',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [lease, ms, many] = size === 'full' ? [2, 10_000, 1000] : [1, 2500, 100]
    const { grind, add } = scene.client()
    await Promise.all(range(2).map(() => scene.worker({ concurrency: 1, lease })))
    const quick = () => range(many).map((index) => add.delay(index, 1))
    // With these both find that their tasks are quick, and fetch ahead.
    const early = await Promise.all(quick())
    const missed = await scene.finished(early.map(({ id }) => id))
    const sent = await Promise.all([...quick(), grind.delay(1, ms), ...quick()])
    const missing = await scene.finished(
      sent.map(({ id }) => id),
      3 * ms + 15_000,
    )
    const starts = ledger.starts()
    const [long] = ledger.ends('grind')
    const behind = starts.filter(({ at }) => at >= (long?.at ?? 0)).length
    report.inject(`an event loop blocked for ${ms / 1000} s, leases of ${lease} s, ${3 * many} quick tasks`)
    report.count('starts', starts.length)
    report.count('quick tasks that began only after the long one', behind)
    report.must('all end', missed.length + missing.length === 0)
    report.must('each runs once', starts.length === 3 * many + 1)
    if (size === 'full') report.must('no quick task waits for the long one', behind === 0)
    await scene.settle()
  },
}
