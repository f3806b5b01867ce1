// Four suites: `unit` needs nothing, `redis` a Redis that the tests start themselves, `interop` a Python
// Celery as well, `package` the packed tarball. Rooms of test/ that are not named below are unit tests.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const withRedis = ['redis', 'conformance', 'cli', 'examples', 'faults']
const tests = (rooms: string[]) => rooms.map((room) => `test/${room}/**/*.test.ts`)
const seconds = 1000

/** A suite that starts processes of what `npm run build` made, so that is made first. */
const built = (name: string, rooms: string[], timeout: number) => ({
  extends: true as const,
  test: {
    name,
    include: tests(rooms),
    globalSetup: './test/support/build.ts',
    testTimeout: timeout,
    hookTimeout: timeout,
  },
})

export default defineConfig({
  test: {
    // Two cores; each file of the slow suites starts servers and processes of its own.
    maxWorkers: 2,
    pool: 'forks',
    setupFiles: './test/support/clean-up.ts',
    reporters: ['default', './test/support/counts-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: tests([...withRedis, 'interop', 'package']),
          isolate: false,
          testTimeout: 20 * seconds,
        },
      },
      built('redis', withRedis, 60 * seconds),
      built('interop', ['interop'], 120 * seconds),
      built('package', ['package'], 300 * seconds),
    ],
  },
  resolve: {
    alias: { lovage: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
  },
})
