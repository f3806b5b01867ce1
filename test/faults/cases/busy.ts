// A task that blocks its worker's event loop for longer than a lease keeps its message all the same.
import { type FaultCase, range } from '../support/scene.js'

export const busy: FaultCase = {
  name: 'busy',
  title: 'a task that burns a core past its lease, with an idle rival',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [lease, ms] = size === 'full' ? [2, 10_000] : [1, 2500]
    const { grind } = scene.client()
    await Promise.all(range(2).map(() => scene.worker({ concurrency: 1, lease })))
    const { id } = await grind.delay(1, ms)
    const missing = await scene.finished([id], 3 * ms + 5000)
    report.inject(`an event loop blocked for ${ms / 1000} s, leases of ${lease} s`)
    report.count('starts', ledger.starts().length)
    report.must('it ends', missing.length === 0)
    report.must('it runs once', ledger.starts().length === 1)
    await scene.settle()
  },
}
