// Ends a run with one plain line, "N passed, N failed", which CI reads. A file that could not be loaded, or
// an error outside of any test, counts as one failure, so that the line never looks better than the run.
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: ReadonlyArray<SerializedError>): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      if (module.state() === 'failed' && !module.ok()) counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'pending') counts.failed += 1
        else counts[state] += 1
      }
    }
    // After the other reporters' summaries.
    process.once('exit', () => {
      const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
      process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
    })
  }
}
