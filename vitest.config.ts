// Four suites: `unit` needs nothing, `redis` a Redis that the tests start themselves, `interop` a Python
// Celery as well, `package` the packed tarball. Rooms of test/ that are not named below are unit tests.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const withRedis = ['redis', 'conformance', 'cli', 'examples', 'faults']
const tests = (rooms: string[]) => rooms.map((room) => `test/${room}/**/*.test.ts`)

export default defineConfig({
  test: {
    // Two cores; each file of the slow suites starts servers and processes of its own.
    maxWorkers: 2,
    pool: 'forks',
    reporters: ['default', './test/support/counts-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: tests([...withRedis, 'interop', 'package']),
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'redis', include: tests(withRedis), testTimeout: 30_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: { name: 'interop', include: tests(['interop']), testTimeout: 60_000, hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'package', include: tests(['package']), testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
  resolve: {
    alias: { lovage: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
  },
})
