// How a Python task ends, as our client sees it: results, errors, states, and what is stored.
import { chain, createApp, group, RemoteTaskError } from 'lovage'
import { expect, it } from 'vitest'
import { until } from '../../support/until.js'
import type { NodeClient } from './node-client.js'

export function nodeEnds({ app, py, get, redisUrl }: NodeClient): void {
  it('errors: class and arguments', async () => {
    const error: any = await py.fail.delay().get({ ...get, propagate: false })
    expect(error).toBeInstanceOf(RemoteTaskError)
    expect(error).toMatchObject({
      name: 'ValueError',
      excType: 'ValueError',
      excModule: 'builtins',
      excMessage: ['boom', 42],
    })
    expect(error.message).toBe('boom, 42')
    await expect(py.failKey.delay('k').get(get)).rejects.toMatchObject({
      excType: 'KeyError',
      excMessage: ['k'],
    })
    const unknown = py.mul.applyAsync([1], { kwargs: { z: 1 } })
    await expect(unknown.get(get)).rejects.toMatchObject({
      excType: 'TypeError',
      message: expect.stringContaining("unexpected keyword argument 'z'"),
    })
    // Declared with its params, it is refused before it is sent.
    await expect(py.add.applyAsync([1], { kwargs: { z: 1 } })).rejects.toThrow('no parameter "z"')
  })

  it('errors: state and traceback', async () => {
    const failed = await py.fail.delay()
    await expect(failed.get(get)).rejects.toThrow('boom, 42')
    expect([await failed.state(), await failed.failed(), await failed.successful()]).toEqual([
      'FAILURE',
      true,
      false,
    ])
    expect(await failed.traceback()).toMatch(/^Traceback[\s\S]*raise ValueError\("boom", 42\)/)
  })

  it('errors: a registered class is rebuilt', async () => {
    class KeyError extends Error {}
    const own = createApp('registered', { broker: redisUrl }).errors(KeyError)
    const error: any = await own
      .sendTask('proj.fail_key', ['k'], { queue: 'python' })
      .get({ ...get, propagate: false })
    await own.close()
    expect(error).toBeInstanceOf(KeyError)
    expect(error.message).toBe('k')
  })

  it('a task that the worker does not know', async () => {
    await expect(app.sendTask('proj.nobody', [], { queue: 'python' }).get(get)).rejects.toMatchObject({
      name: 'NotRegistered',
      message: 'proj.nobody',
    })
  })

  it('states: a state of its own, with meta', async () => {
    const result = await py.progress.delay(1, 3)
    const states: string[] = []
    for await (const { state, result: meta } of result.updates()) {
      states.push(state)
      if (state !== 'PROGRESS') continue
      expect(meta).toEqual({ done: 1, total: 3 })
      break
    }
    expect(states.at(-1)).toBe('PROGRESS')
    expect(await result.meta()).toMatchObject({ state: 'PROGRESS', result: { done: 1, total: 3 } })
    const started = await py.sleep.delay(3)
    await until(async () => (await started.state()) === 'STARTED')
  })

  it('state RETRY, with its cause', async () => {
    const result = await py.flaky.delay(1, 1)
    const seen: [string, unknown][] = []
    for await (const { state, result: value } of result.updates()) seen.push([state, value])
    expect(seen.map(([state]) => state)).toEqual(expect.arrayContaining(['RETRY', 'SUCCESS']))
    const [, cause] = seen.find(([state]) => state === 'RETRY')!
    expect(cause).toMatchObject({ excType: 'ConnectionError', excMessage: ['not yet'] })
  })

  it('retries used up', async () => {
    await expect(py.flakyMax.delay().get(get)).rejects.toMatchObject({ excType: 'ConnectionError' })
  })

  it('children', async () => {
    const result = await py.spawner.delay(3)
    expect(await result.get(get)).toBe(3)
    const children = await result.children()
    expect(await Promise.all(children.map((child) => child.get(get)))).toEqual([2, [0, 2, 4]])
  })

  it('date_done, parent_id, forget', async () => {
    const result = await chain(py.add.s(1, 1), py.add.s(2)).delay()
    await result.get(get)
    const meta = await result.meta()
    expect(meta).toMatchObject({
      taskId: result.id,
      state: 'SUCCESS',
      result: 4,
      parentId: result.parent!.id,
    })
    expect(Math.abs(Date.now() - meta.dateDone!.getTime())).toBeLessThan(60_000)
    await result.forget()
    expect(await app.result(result.id).state()).toBe('PENDING')
  })

  it('many at once', async () => {
    const result = group(Array.from({ length: 100 }, (_, i) => py.add.s(i, 1))).delay()
    expect(await result.get(get)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })
}
