// Our client sends a canvas of Python tasks.
import { chain, chord, chunks, group, signature, xmap, xstarmap } from 'lovage'
import { expect, it } from 'vitest'
import type { NodeClient } from './node-client.js'

export function nodeCanvases({ app, py, left, gaps, get }: NodeClient): void {
  it('chain, with its parents', async () => {
    const result = await chain(py.add.s(2, 2), py.add.s(4), py.mul.s(10)).delay()
    expect(await result.get(get)).toBe(80)
    expect(await result.parent!.get(get)).toBe(8)
    expect(await result.parent!.parent!.get(get)).toBe(4)
    expect(result.parent!.parent!.parent).toBeNull()
  })

  it('chain by names only, without a declaration', async () => {
    const step = (task: string, ...args: unknown[]) => signature(task, { args, options: { queue: 'python' } })
    const sent = app.send(chain(step('proj.add', 1, 2), step('proj.mul', 10)))
    expect(await sent.get(get)).toBe(30)
  })

  it('chain of immutable signatures', async () => {
    const result = await chain(py.add.si(2, 2), py.add.si(4, 4), py.add.si(8, 8)).delay()
    expect(await result.get(get)).toBe(16)
    expect(await result.parent!.get(get)).toBe(8)
    expect(await result.parent!.parent!.get(get)).toBe(4)
  })

  it('root and parent ids along a chain', async () => {
    const result = await chain(py.requestOf.si(), py.requestOf.si()).delay()
    const seen = await result.get(get)
    expect([seen.root_id, seen.parent_id]).toEqual([result.parent!.id, result.parent!.id])
  })

  it('a chain whose middle fails', async () => {
    const result = await chain(py.add.s(1, 1), py.fail.si(), py.add.s(1)).delay()
    await expect(result.get(get)).rejects.toMatchObject({ excType: 'ValueError' })
    expect(await result.state()).toBe('FAILURE')
    expect(await result.parent!.parent!.get(get)).toBe(2)
  })

  it('group', async () => {
    const result = await group([0, 1, 2, 3, 4].map((i) => py.add.s(i, i))).delay()
    expect(await result.get(get)).toEqual([0, 2, 4, 6, 8])
    expect(await result.completedCount()).toBe(5)
  })

  it('group inside a chain, and at its end', async () => {
    const inside = chain(
      py.add.s(1, 1),
      group(py.add.s(10), py.mul.s(10)),
      py.tsum.s(),
      py.add.s(100),
    ).delay()
    const end = await chain(py.add.s(1, 1), group(py.add.s(10), py.mul.s(10))).delay()
    expect(await inside.get(get)).toBe(132)
    expect(await end.get(get)).toEqual([12, 20])
    expect(await end.parent!.get(get)).toBe(2)
  })

  it('chord', async () => {
    const result = await chord([py.add.s(1, 1), py.add.s(2, 2), py.add.s(3, 3)], py.tsum.s()).delay()
    expect(await result.get(get)).toBe(12)
    expect(await result.parent!.get(get)).toEqual([2, 4, 6])
  })

  it('chord: one task, no task, order of the results', async () => {
    const one = chord([py.add.s(1, 2)], py.tsum.s()).delay()
    const none = chord([], py.tsum.s()).delay()
    const order = chord([py.flaky.s(2), py.echo.s('b'), py.flaky.s(1), py.echo.s('d')], py.echo.s()).delay()
    expect(await one.get(get)).toBe(3)
    expect(await none.get(get)).toBe(0)
    expect(await order.get(get)).toEqual([2, 'b', 1, 'd'])
  })

  it('chord in a chain', async () => {
    const result = await chain(
      py.add.s(1, 1),
      chord([py.add.s(1), py.add.s(2)], py.tsum.s()),
      py.mul.s(10),
    ).delay()
    expect(await result.get(get)).toBe(70)
    expect(await result.parent!.get(get)).toBe(7)
    expect(await result.parent!.parent!.get(get)).toEqual([3, 4])
    expect(await result.parent!.parent!.parent!.get(get)).toBe(2)
  })

  it('chord: chains in the header, a chain as the body', async () => {
    const header = [chain(py.add.s(1, 1), py.mul.s(10)), chain(py.add.s(2, 2), py.mul.s(10))]
    expect(
      await chord(header, chain(py.tsum.s(), py.add.s(5)))
        .delay()
        .get(get),
    ).toBe(65)
  })

  it('chord: a group as the body', async () => {
    const result = chord([py.add.s(1, 1), py.add.s(2, 2)], group(py.tsum.s(), py.echo.s())).delay()
    expect(await result.get(get)).toEqual([6, [2, 4]])
  })

  it('chord in the header of a chord', async () => {
    const inner = chord([py.add.s(1, 1), py.add.s(2, 2)], py.tsum.s())
    expect(
      await chord([inner, py.add.s(10, 10)], py.echo.s())
        .delay()
        .get(get),
    ).toEqual([6, 20])
  })

  it('a group in the header of a chord', async () => {
    const header = [py.add.s(1, 1), group(py.add.s(2, 2), py.add.s(3, 3)), py.add.s(4, 4)]
    expect(await chord(header, py.echo.s()).delay().get(get)).toEqual([2, 4, 6, 8])
  })

  it('a header chain that ends in a group', async () => {
    const header = [chain(py.add.s(1, 1), group(py.add.s(2), py.add.s(3))), py.add.s(4, 4)]
    expect(await chord(header, py.echo.s()).delay().get(get)).toEqual([[4, 5], 8])
  })

  it('two chords in a row', async () => {
    const first = chord([py.add.s(1, 1), py.add.s(2, 2)], py.tsum.s())
    expect(
      await chain(first, group(py.add.s(1), py.add.s(2)), py.tsum.s())
        .delay()
        .get(get),
    ).toBe(15)
  })

  it('a chord whose header fails', async () => {
    const result = await chord([py.add.s(1, 1), py.fail.s()], py.tsum.s()).delay()
    await expect(app.result(result.id).get(get)).rejects.toMatchObject({
      name: 'ChordError',
      message: expect.stringContaining("raised ValueError('boom', 42)"),
    })
  })

  it('map, starmap and chunks', async () => {
    expect(await xmap(py.mul.s(), [1, 2, 3]).delay().get(get)).toEqual([1, 2, 3])
    const rows: [number, number][] = [
      [1, 2],
      [3, 4],
      [5, 6],
    ]
    expect(await xstarmap(py.mul.s(), rows).delay().get(get)).toEqual([2, 12, 30])
    expect(await chunks(py.mul.s(), rows, 2).delay().get(get)).toEqual([[2, 12], [30]])
  })

  it('link, one and two', async () => {
    const one = await py.add.applyAsync([1, 2], { link: py.record.s('one') })
    expect(await left('record')).toMatchObject([{ args: [3, 'one'] }])
    const two = await py.add
      .s(3, 4)
      .link(py.record.s('a'))
      .link(chain(py.add.s(10), py.record.s('b')))
      .delay()
    const seen = (await left('record', 2)).map(({ args }) => args)
    expect(seen).toEqual(
      expect.arrayContaining([
        [7, 'a'],
        [17, 'b'],
      ]),
    )
    expect([await one.get(get), await two.get(get)]).toEqual([3, 7])
  })

  it('link_error', async () => {
    const failed = await py.fail.applyAsync([], { linkError: py.errback.s() })
    expect(await left('errback')).toEqual([{ id: failed.id }])
  })

  it('link_error of a chain, a group and a chord', async () => {
    const chained = await chain(py.add.s(1, 1), py.fail.si()).linkError(py.errback.s()).delay()
    expect(await left('errback')).toEqual([{ id: chained.id }])
    const grouped = await group(py.fail.s(), py.add.s(1, 1)).linkError(py.errback.s()).delay()
    expect(await left('errback')).toEqual([{ id: grouped.results[0]?.id }])
    const joined = await chord([py.fail.s(), py.add.s(1, 1)], py.tsum.s().linkError(py.errback.s())).delay()
    expect(await left('errback')).toEqual([{ id: joined.id }])
  })

  it('an errback of (request, exc, traceback)', async () => {
    const failed = await py.fail.applyAsync([], { linkError: signature('proj.errback_new') })
    expect(await left('errback')).toEqual([{ id: failed.id, error: "ValueError('boom', 42)" }])
  })

  it('a retry keeps what follows', async () => {
    const result = await chain(
      py.flaky.s(2).link(py.record.s('after-retry')),
      py.add.s(40),
      py.requestOf.s(),
    ).delay()
    const seen = await result.get(get)
    expect(seen.args).toEqual([42])
    expect(seen.root_id).toBe(result.parent!.parent!.id)
    expect(await left('record')).toMatchObject([{ args: [2, 'after-retry'] }])
  })

  it('replace: with a task, a chain, a group, a chord', async () => {
    const replaced = (kind: string, ...args: number[]) =>
      app.sendTask(`proj.replace_${kind}`, args, { queue: 'python' }).get(get)
    expect(await replaced('task', 1, 2)).toBe(3)
    expect(await replaced('chain', 1, 2)).toBe(30)
    expect(await replaced('group', 1, 2)).toEqual([2, 3])
    expect(await replaced('chord', 1, 2)).toBe(5)
  })

  it.skipIf(gaps.length > 0)('stamps, fixed and by a visitor', async () => {
    const stampsOf = async (work: any) => ((await app.send(work).get(get)) as { stamps: unknown }).stamps
    expect(await stampsOf(py.requestOf.s().stamp({ customer: 'acme' }))).toEqual({ customer: 'acme' })
    const visitor = { onSignature: () => ({ run: 7 }) }
    const work = chain(py.add.s(1, 1), py.requestOf.s()).stamp(visitor, { stamps: { customer: 'acme' } })
    expect(await stampsOf(work)).toEqual({ customer: 'acme', run: 7 })
  })

  it('a group that was saved, restored by the other side', async () => {
    const result = await group(py.add.s(1, 1), py.add.s(2, 2)).delay()
    await result.save()
    const restored = app.sendTask('proj.restore', [result.id], { queue: 'python' })
    expect(await restored.get(get)).toEqual(result.results.map(({ id }) => id))
  })
}
