// A task that blocks its worker's event loop for longer than a lease keeps its message all the same.
import { type FaultCase, lease, range } from '../support/scene.js'

export const busy: FaultCase = {
  name: 'busy',
  title: 'a task that burns a core past its lease, with an idle rival',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const leases = size === 'full' ? 5 : 2
    const ms = leases * lease * 1000
    const { grind } = scene.client()
    await Promise.all(range(2).map(() => scene.worker({ concurrency: 1 })))
    const { id } = await grind.delay(1, ms)
    const missing = await scene.finished([id], 3 * ms)
    report.inject(`an event loop blocked for ${ms / 1000} s, a lease of ${lease} s`)
    report.count('starts', ledger.starts().length)
    report.must('it ends', missing.length === 0)
    report.must('it runs once', ledger.starts().length === 1)
    await scene.settle()
  },
}
