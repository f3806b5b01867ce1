// Where Celery hangs, loses or mixes up: each captured case, and what becomes of it here.
import { describe, expect, it } from 'vitest'
import type { App } from '../../../../src/app.js'
import { chain } from '../../../../src/canvas/chain.js'
import { chord } from '../../../../src/canvas/chord.js'
import { group } from '../../../../src/canvas/group.js'
import { signature } from '../../../../src/canvas/signature.js'
import { ChordError } from '../../../../src/errors.js'
import { until } from '../../../support/until.js'
import type { claims } from '../../../vectors/canvas-mended.claims.js'
import { caseOf, messagesOf } from '../../../vectors/read.js'
import { type Bench, onEveryEngine } from '../bench.js'
import { shownBy, shownIn } from './compare.js'
import { add, defineTasks, errback, fail, held, ident, mul, tsum } from './tasks.js'

interface Scene {
  readonly app: App
  readonly bench: Bench
  /** Starts a worker of queue `celery`. */
  readonly work: () => Promise<unknown>
}

type Cases<File extends keyof typeof claims> = Record<
  (typeof claims)[File][number],
  (scene: Scene) => Promise<void>
>

const wait = { timeout: 20 }

const sentTo = async (bench: Bench, queue: string): Promise<readonly any[]> =>
  ((await bench.look()).messages[queue] ?? []).map((raw) => JSON.parse(raw))

const bodyOf = (envelope: any): any => JSON.parse(Buffer.from(envelope.body, 'base64').toString())

/** Every chord is over, and no key of one is left. */
const nothingOpen = async ({ bench }: Scene): Promise<void> => {
  const { chords, groups } = await bench.look()
  expect({ chords, groups }).toEqual({ chords: [], groups: {} })
}

/** The work fails with a ChordError that says so, for everybody who holds a part of it. */
const failsWith = async (scene: Scene, work: unknown, text: string): Promise<any> => {
  await scene.work()
  const result = await scene.app.send(work as object)
  const error = await result.get({ ...wait, propagate: false })
  expect(error).toBeInstanceOf(ChordError)
  expect(String(error)).toContain(text)
  await nothingOpen(scene)
  return result
}

const boom = "raised ValueError('boom', 42)"

const canvas: Cases<'canvas'> = {
  // Celery numbers the inner members from 0 again, so that two have the same place.
  'group-nested': async ({ app, bench }) => {
    await app.send(group(add.s(1, 1), group(add.s(2, 2), add.s(3, 3))))
    const sent = await sentTo(bench, 'celery')
    expect(sent.map(({ headers }) => headers.group_index)).toEqual([0, 1, 2])
    expect(new Set(sent.map(({ headers }) => headers.group)).size).toBe(1)
  },

  // Celery gives the body the id of its header, so that two groups have one id.
  'chord-body-group': async ({ app, bench, work }) => {
    const result = await app.send(chord([add.s(1, 1), add.s(2, 2)], group(tsum.s(), tsum.s())))
    const [first] = await sentTo(bench, 'celery')
    const body = bodyOf(first)[2].chord
    expect(body.options.task_id).not.toBe(first.headers.group)
    expect(result.id).toBe(body.options.task_id)
    await work()
    expect(await result.get(wait)).toEqual([6, 6])
  },

  // Celery counts the inner group's members as header tasks, and overwrites the count when it sends them.
  'chord-header-chain-ending-in-group': async (scene) => {
    const { app, bench, work } = scene
    const result = await app.send(
      chord([chain(add.s(1, 1), group(add.s(2), add.s(3))), add.s(4, 4)], ident.s()),
    )
    expect((await bench.look()).chords).toEqual([{ size: 2, parts: 0 }])
    await work()
    expect(await result.get(wait)).toEqual([[[[4, 5], 8]], {}])
    await nothingOpen(scene)
  },

  'chord-unlock-fallback': async ({ app, work }) => {
    const [envelope] = messagesOf(caseOf('canvas', 'chord-unlock-fallback'))
    const now = { ...envelope, headers: { ...envelope!.headers, eta: null } }
    const raw = JSON.stringify(now)
    for (const [taskId, x] of [
      ['t1', 1],
      ['t2', 2],
    ] as const)
      await app.send(add.s(x, x), [], { taskId })
    await (await app.broker()).publish({ pushes: [{ queue: 'celery', priority: 0, raw }], chords: [] })
    await work()
    expect(await app.result('body-1').get(wait)).toBe(6)
  },
}

const progress: Cases<'canvas-progress'> = {
  // The body is a chain, and Celery writes the header's id on it: whoever waits for its end would wait for ever.
  'chain-with-chord-then-task-messages': async ({ app, bench, work }) => {
    const result = await app.send(chain(add.s(1, 2), chord([mul.s(3).set(held)], tsum.s()), add.s(9)))
    await work()
    await until(async () => (await sentTo(bench, 'held')).length === 1)
    const { chord: body, chain: rest } = bodyOf((await sentTo(bench, 'held'))[0])[2]
    expect([body.options.task_id, body.kwargs.tasks.at(-1).options.task_id]).toEqual([result.id, result.id])
    expect(rest ?? []).toEqual([])
    expect((await bench.look()).chords).toEqual(
      shownBy('canvas-progress', 'chain-with-chord-then-task-messages').chords,
    )
  },

  // The keys of a failed chord stay a day in Celery.
  'chord-header-failure': async (scene) => {
    const { bench } = scene
    const body = tsum.s().linkError(errback.s().set(held))
    await failsWith(scene, chord([add.s(1, 1), fail.s(2), add.s(3, 3)], body), boom)
    const { messages, results } = shownBy('canvas-progress', 'chord-header-failure')
    const ours = shownIn(await bench.look())
    expect([ours.messages, ours.results]).toEqual([messages, results])
  },

  // Members of a group within a header come out reversed in Celery.
  'chord-nested-group-order': async (scene) => {
    const { app, work } = scene
    await work()
    const nested = chord([ident.s(1), group(ident.s(2), ident.s(3)), ident.s(4)], ident.s())
    expect(await app.send(nested).get(wait)).toEqual([[[1, 2, 3, 4].map((n) => [[n], {}])], {}])
    await nothingOpen(scene)
  },

  'chord-complex-header': async (scene) => {
    const { app, bench, work } = scene
    await work()
    const header = [chain(add.s(1, 1), group(add.s(2), add.s(3))), add.s(4, 4)]
    await app.send(chord(header, ident.s().set(held)))
    await until(async () => (await sentTo(bench, 'held')).length === 1)
    const [args] = bodyOf((await sentTo(bench, 'held'))[0])
    const [theirs] = messagesOf(caseOf('canvas-progress', 'chord-complex-header')).map(bodyOf)
    expect(args).toEqual(theirs[0])
    await nothingOpen(scene)
  },
}

const errors: Cases<'canvas-errors'> = {
  // Celery tells the header's id and not the last step.
  'chord-in-chain-header-fails': async (scene) => {
    const work = chain(add.s(1, 2), chord([fail.s(), add.s(2)], tsum.s()), add.s(9))
    const result = await failsWith(scene, work, boom)
    await expect(result.parent.get(wait)).rejects.toThrow(boom)
    await expect(result.parent.parent.results[0].get(wait)).rejects.toThrow('boom')
    expect(await result.parent.parent.parent.get(wait)).toBe(3)
  },

  // Celery's outer chord waits for ever.
  'chord-in-chord-header-fails': async (scene) => {
    const inner = chord([fail.s(1), add.s(1, 1)], tsum.s())
    const result = await failsWith(scene, chord([inner, add.s(3, 3)], tsum.s()), 'raised ChordError(')
    await expect(result.parent.results[0].get(wait)).rejects.toThrow(boom)
  },

  // Celery stores the header's own exception and revokes the members by broadcast: either may be seen.
  'chord-body-group-header-fails': async (scene) => {
    await scene.work()
    const result = await scene.app.send(chord([fail.s(1), add.s(1, 1)], group(tsum.s(), tsum.s())))
    for (const member of result.results) await expect(member.get(wait)).rejects.toThrow(boom)
    expect(await result.state()).toBe('FAILURE')
    await nothingOpen(scene)
  },

  // As in Celery, but for the keys that stay there.
  'chord-of-chains-first-step-fails': async (scene) => {
    await failsWith(scene, chord([chain(fail.s(1), add.s(1)), add.s(1, 1)], tsum.s()), boom)
    const { results } = shownBy('canvas-errors', 'chord-of-chains-first-step-fails')
    expect(shownIn(await scene.bench.look()).results).toEqual(results)
  },

  // Celery's chord waits for ever.
  'chord-header-unregistered': async (scene) => {
    const unknown = signature('node.unknown', { args: [1] })
    const result = await failsWith(
      scene,
      chord([unknown, add.s(1, 1)], tsum.s()),
      "NotRegistered('node.unknown')",
    )
    await expect(result.parent.results[0].get(wait)).rejects.toThrow('node.unknown')
  },
}

onEveryEngine('mended', (bench) => {
  describe.each(Object.entries({ canvas, 'canvas-progress': progress, 'canvas-errors': errors }))(
    '%s',
    (_file, cases) => {
      it.each(Object.entries(cases))('%s', async (_name, see) => {
        const app = bench().app()
        defineTasks(app)
        await see({ app, bench: bench(), work: () => bench().work(app) })
      })
    },
  )
})
