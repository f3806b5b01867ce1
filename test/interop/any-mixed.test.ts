// Any canvas of tasks in both languages, sent by either, on one server or on two, and a plain model of canvases: they agree
// about what it gives and how often each task runs. `npm run test:long` plays it.
//
// MIXED says how many are tried at most, SEED repeats a run, ONLY one of it (`c7`); SECONDS is the time after which no more are sent.
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { createApp, signature, type TaskContext } from 'lovage'
import { afterAll, describe, expect, it } from 'vitest'
import { type CeleryWorker, type PythonCelery, startCelery } from '../support/celery.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { build, type Spec, words } from './any-mixed/build.js'
import { meaning, render, type Value } from './any-mixed/model.js'
import { anyCase, type Case, inPython, print } from './any-mixed/work.js'

const many = Number(process.env['MIXED'] ?? 0)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const only = process.env['ONLY']?.split(',')
const seconds = Number(process.env['SECONDS'] ?? 240)
/** Sent together, so that what Celery is silent about for some seconds holds up few. */
const atOnce = 20
/** Seconds. */
const timeout = 40

class ValueError extends Error {
  override name = 'ValueError'
}

const celery = many === 0 ? undefined : await startCelery()

/** Sends canvases, and answers with what became of them, after a minute at most. */
const sender = (cases: readonly unknown[]): string => `
  import time

  def build(words):
      kind, *rest = words
      if kind == "task":
          name, queue, spec = rest
          return signature(name, args=[spec], queue=queue, app=app)
      parts = list(map(build, rest[0]))
      if kind == "chain":
          return chain(*parts)
      return group(parts) if kind == "group" else chord(parts, build(rest[1]))

  def gives(result):
      try:
          return {"value": result.get(timeout=max(0.1, end - time.monotonic()))}
      except BaseException as error:
          return {"error": type(error).__name__ + " " + str(error)}

  end = time.monotonic() + ${timeout}
  started = [build(words).delay() for words in json.loads(${JSON.stringify(JSON.stringify(cases))})]
  give([gives(result) for result in started])
`

interface Wrong {
  readonly each: Case
  readonly canvas: string
  readonly how: string
}

type Given = { readonly value?: unknown; readonly error?: string }

/** Broker, results, and a worker of each language. */
const open = async (celery: PythonCelery, servers: 1 | 2) => {
  const broker = await startRedis({ own: servers === 2 })
  const results = servers === 1 ? broker : await startRedis({ own: true })
  const client = new Redis(results.url)
  const app = createApp('mixed', {
    broker: broker.url,
    resultBackend: results.url,
    taskDefaultQueue: 'js',
    resultExpires: 3600,
  })
  app.task('js.step', async function (this: TaskContext, ...given: unknown[]): Promise<unknown> {
    const { canvas, label, fails, heir, adds = [] } = given.pop() as Spec
    await client.hincrby(`runs:${canvas}`, label, 1)
    for (const added of adds) this.addToChord(signature.from(added as never))
    if (fails) throw new ValueError('boom')
    return heir === undefined
      ? render(label, given[0] as Value | undefined)
      : this.replace(signature.from(heir as never) as never)
  })
  const urls = { redisUrl: broker.url, resultUrl: results.url }
  const python: CeleryWorker = await celery.worker({ ...urls, args: ['-P', 'threads', '-c', '8'] })
  await app.worker().start()
  const fromNode = async ({ work }: Case, canvas: string): Promise<Given> =>
    app.send(build(work, canvas)).then((result: any) =>
      result.get({ timeout }).then(
        (value: unknown) => ({ value }),
        (error: Error) => ({ error: `${error.name} ${error.message}` }),
      ),
    )
  return {
    /** What they give, in their order. */
    play: async (cases: readonly (readonly [Case, canvas: string])[]): Promise<readonly Given[]> => {
      const theirs = cases.filter(([{ starts }]) => starts === 'Python')
      const answers =
        theirs.length === 0
          ? []
          : celery.python<Given[]>(sender(theirs.map(([{ work }, canvas]) => words(work, canvas))), {
              ...urls,
              timeout: 180_000,
            })
      return Promise.all(
        cases.map(async (each) =>
          each[0].starts === 'Node' ? fromNode(...each) : ((await answers)[theirs.indexOf(each)] as Given),
        ),
      )
    },
    runs: (canvas: string) => client.hgetall(`runs:${canvas}`),
    left: async () => {
      await app.close()
      return [...(await leaks(broker.url)), ...(await leaks(results.url))]
    },
    stop: async () => {
      await app.close()
      await python.stop()
      client.disconnect()
      await Promise.all([broker.stop(), results.stop()])
    },
  }
}

describe.skipIf(celery === undefined || celery.missing || celery.gaps.length > 0)(
  `any canvas of Node and Celery ${celery?.version} (at most ${many} in ${seconds} s, SEED=${seed})`,
  async () => {
    if (celery === undefined || celery.missing) return
    const rooms = { 1: await open(celery, 1), 2: await open(celery, 2) }
    afterAll(async () => void (await Promise.all(Object.values(rooms).map(({ stop }) => stop()))))

    /** undefined: as the model says. */
    const differs = async (each: Case, canvas: string, given: Given): Promise<string | undefined> => {
      const { value, runs } = meaning(each.work)
      const isRight =
        value === undefined
          ? /ValueError|boom/.test(given.error ?? '')
          : given.value !== undefined && render('', given.value as Value) === render('', value)
      if (!isRight) return `gives ${JSON.stringify(given)} and not ${JSON.stringify(value ?? 'an error')}`
      const ran = await rooms[each.servers].runs(canvas)
      if (Object.values(ran).some((count) => count !== '1')) return `runs ${JSON.stringify(ran)}`
      if (value !== undefined && Object.keys(ran).length !== runs.size)
        return `runs ${Object.keys(ran).join(' ')} of ${[...runs].join(' ')}`
      return undefined
    }

    const playAll = async (cases: readonly (readonly [Case, canvas: string])[]): Promise<Wrong[]> => {
      const wrong: Wrong[] = []
      for (const servers of [1, 2] as const) {
        const here = cases.filter(([each]) => each.servers === servers)
        const given = await rooms[servers].play(here)
        for (const [i, [each, canvas]] of here.entries()) {
          const how = await differs(each, canvas, given[i] as Given)
          if (how !== undefined) wrong.push({ each, canvas, how })
        }
      }
      return wrong
    }

    it('gives what the model says, and each task runs once', {
      timeout: (seconds + 600) * 1000,
    }, async () => {
      const cases = fc
        .sample(anyCase, { numRuns: many, seed })
        .map((each, i) => [each, `c${i}`] as const)
        .filter(([, canvas]) => only === undefined || only.includes(canvas))
      const endMs = Date.now() + seconds * 1000
      const wrong: Wrong[] = []
      let played = 0
      for (; played < cases.length && Date.now() < endMs; played += atOnce)
        wrong.push(...(await playAll(cases.slice(played, played + atOnce))))
      // What Celery's client starts, and Celery alone does not run as the model says either, is its own fault.
      const suspects = wrong.filter(({ each }) => each.starts === 'Python')
      const alone = await playAll(
        suspects.map(({ each, canvas }) => [
          { ...each, servers: 1, work: inPython(each.work) },
          `${canvas}-alone`,
        ]),
      )
      const excused = new Set(alone.map(({ canvas }) => canvas.replace('-alone', '')))
      const told = wrong
        .filter(({ canvas }) => !excused.has(canvas))
        .map(({ each, canvas, how }) => {
          const { starts, servers, work } = each
          return `${canvas}, ${starts} starts, servers: ${servers}: ${print(work)}\n${how}`
        })
      console.log(
        `any mixed canvas: ${Math.min(played, cases.length)} canvases, SEED=${seed}; Celery alone is wrong about ${excused.size}`,
      )
      expect(told.join('\n\n'), `SEED=${seed}`).toBe('')
      expect(excused.size, 'what Celery is wrong about must be little').toBeLessThanOrEqual(played / 10)
    })

    it('nothing of them stays', { timeout: 120_000 }, async () => {
      for (const { left } of Object.values(rooms))
        expect(await until(async () => (await left()).length === 0)).toBe(true)
    })
  },
)
