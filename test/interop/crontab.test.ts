// The live Celery and crontab() are asked the same 2000 questions, fresh ones each time; the seed is printed,
// so that a difference can be asked again: test/beat/celery-vectors.py SEED 2000.
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { asCelery, type CrontabCase } from '../beat/crontab-cases.js'
import { startCelery } from '../support/celery.js'

const celery = await startCelery()
/** What is compared here is 5.6. */
const unlike = celery.missing || celery.gaps.length > 0
const generator = fileURLToPath(new URL('../beat/celery-vectors.py', import.meta.url))

describe.skipIf(unlike)(`crontab() and Celery ${celery.version}`, () => {
  it('run at the same moments', async () => {
    const seed = Number(process.env.CRONTAB_SEED ?? Date.now() % 1_000_000_000)
    console.log(`crontab: seed ${seed}; CRONTAB_SEED=${seed} asks the same again`)
    const cases = await celery.python<CrontabCase[]>(
      `
      import runpy
      give(runpy.run_path(${JSON.stringify(generator)})["vectors"](${seed}, 2000))
    `,
      // Nothing is sent: no Redis is needed.
      { redisUrl: 'redis://127.0.0.1:1' },
    )
    expect(cases.length).toBe(2000)
    const wrong = cases.filter((vector) => asCelery(vector) !== vector[7])
    expect(wrong.map((vector) => [vector, asCelery(vector)])).toEqual([])
  })
})
