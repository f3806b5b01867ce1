// Example 05 is run as a reader would run it, with the Celery that the tests have, and checked for what it prints.
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { findCelery, pythonEnv } from '../support/celery-install.js'
import { run, start } from '../support/processes.js'
import { startRedis } from '../support/redis.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url))
const example = 'examples/05-python-and-node/main.ts'

const expected = `
Node calls Python: 3
chain js | py | js: nana after 3.4
group of both: [ 3, 'abab' ]
Python's error in Node: ValueError: could not convert string to float: 'three'
errback in Node: got the failed id
Python calls Node: [3, 5, 5, 3]
by keywords: hohoho
chain js | py: 3.8 of [5, 4, 3, 4, 3]
Node's error in Python: ValueError: times must not be negative
`.trim()

const celery = await startCelery()

describe.skipIf(celery.missing)(`05-python-and-node, with Celery ${celery.version}`, async () => {
  if (celery.missing) return
  const install = await findCelery()
  const redis = await startRedis()
  afterAll(() => redis.stop())

  it('prints what it promises', async () => {
    const env = { ...pythonEnv(install.path), PYTHON: install.python, LOVAGE_BROKER_URL: redis.url }
    const { stdout } = await run(process.execPath, [jiti, example], { cwd: root, env })
    expect(stdout().trimEnd()).toBe(expected)
  })
})

it('05-python-and-node without Celery says what to install', async () => {
  const env = { PYTHON: process.execPath, LOVAGE_BROKER_URL: 'redis://127.0.0.1:1/0' }
  const example05 = start(process.execPath, [jiti, example], { cwd: root, env })
  expect((await example05.exited).code).toBe(1)
  expect(example05.stderr()).toContain("pip install 'celery[redis]'")
})
