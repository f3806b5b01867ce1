// Our client calls a Python task: what goes over, and what comes back.
import { createApp, Decimal, group, NaiveDateTime, PlainDate, PlainTime, Uuid } from 'lovage'
import { expect, it } from 'vitest'
import type { NodeClient } from './node-client.js'

export function nodeCalls({ app, py, left, get, gaps, redisUrl }: NodeClient): void {
  it('positional arguments', async () => {
    expect(await py.add.delay(2, 3).get(get)).toBe(5)
  })

  it('by name: send_task, sendTask', async () => {
    expect(await app.sendTask('proj.add', [2, 3], { queue: 'python' }).get(get)).toBe(5)
    expect(await app.sendTask('proj.mul', [6], { kwargs: { y: 7 }, queue: 'python' }).get(get)).toBe(42)
  })

  it('keyword arguments', async () => {
    expect(await py.add.applyAsync([], { kwargs: { x: 2, y: 3 } }).get(get)).toBe(5)
    expect(await py.add.applyAsync([2], { kwargs: { y: 3 } }).get(get)).toBe(5)
    expect(
      await py.add
        .signature({ args: [1], kwargs: { y: 9 } })
        .delay()
        .get(get),
    ).toBe(10)
    expect(await py.ident.applyAsync([1], { kwargs: { ü: 'ß' } }).get(get)).toEqual([[1], { ü: 'ß' }])
  })

  it('unicode', async () => {
    const texts = ['ü', '🐎', '\u0000', '\ud800', '"\\', '\u2028', 'x'.repeat(100_000)]
    expect(await py.echo.delay(texts).get(get)).toEqual(texts)
  })

  it('plain JSON', async () => {
    const value = { no: null, yes: true, list: [[], {}, [[1]]], '': 0, '1': '1' }
    expect(await py.echo.delay(value).get(get)).toEqual(value)
    expect(await py.ident.delay(undefined, { gone: undefined, here: 1 }).get(get)).toEqual([
      [null, { here: 1 }],
      {},
    ])
  })

  it('integers beyond 2^53', async () => {
    const big = [2n ** 53n + 1n, -(2n ** 70n), { n: 2n ** 64n }]
    expect(await py.echo.delay(big).get(get)).toEqual(big)
    expect(await py.describe.delay(2n ** 64n).get(get)).toEqual(['int', '18446744073709551616'])
  })

  it('floats, NaN and infinities', async () => {
    const numbers = [0.1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    expect(await py.echo.delay(numbers).get(get)).toEqual(numbers)
    const seen = group(py.describe.s(1), py.describe.s(0.1), py.describe.s(Number.NaN)).delay()
    expect(await seen.get(get)).toEqual([
      ['int', '1'],
      ['float', '0.1'],
      ['float', 'nan'],
    ])
  })

  /** What Python makes of each value; and it comes back as it went. */
  const typed = (title: string, pairs: readonly [unknown, [string, string]][]): void =>
    it.skipIf(gaps.length > 0)(title, async () => {
      const values = pairs.map(([value]) => value)
      const seen = group(values.map((value) => py.describe.s(value))).delay()
      expect(await seen.get(get)).toEqual(pairs.map(([, what]) => what))
      expect(await py.echo.delay(values).get(get)).toEqual(values)
    })

  typed('aware datetimes', [
    [
      new Date('2026-01-02T03:04:05.678Z'),
      ['datetime', 'datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)'],
    ],
  ])
  typed('naive datetimes', [
    [new NaiveDateTime('2026-01-02T03:04:05'), ['datetime', 'datetime.datetime(2026, 1, 2, 3, 4, 5)']],
  ])
  typed('date, time, Decimal, UUID', [
    [new PlainDate('2026-01-02'), ['date', 'datetime.date(2026, 1, 2)']],
    [new PlainTime('03:04:05'), ['time', 'datetime.time(3, 4, 5)']],
    [new Decimal('1.10'), ['Decimal', "Decimal('1.10')"]],
    [
      new Uuid('12345678-1234-5678-1234-567812345678'),
      ['UUID', "UUID('12345678-1234-5678-1234-567812345678')"],
    ],
  ])
  typed('bytes', [
    [Buffer.from('text'), ['bytes', "b'text'"]],
    [Buffer.from([0, 255, 254]), ['bytes', "b'\\x00\\xff\\xfe'"]],
  ])

  it('Map, Set, RegExp, URL, Error, small bigint', async () => {
    const rich = {
      map: new Map<unknown, unknown>([[1, new Set(['a'])]]),
      set: new Set([1, 2]),
      regexp: /a+/gi,
      url: new URL('https://example.org/x?y=1'),
      big: 7n,
      at: new Date('2026-01-02T03:04:05.678Z'),
    }
    expect(await py.echo.delay(rich).get(get)).toEqual(rich)
    expect((await py.describe.delay(new Map([[1, 2]])).get(get))[0]).toBe('dict')
    const error: any = await py.echo.delay(new RangeError('far')).get(get)
    expect([error.name, error.message]).toEqual(['RangeError', 'far'])
  })

  it('data that looks like a wrapper or a typed value', async () => {
    const values = [
      { __type__: 'nonsense', __value__: 1 },
      { __type__: 'datetime', __value__: '2026-01-02T03:04:05' },
      { __superjson__: { json: [], meta: { values: ['map'] } } },
      { deep: [{ __type__: 'x', __value__: new Map([[1, { __type__: 'y', __value__: null }]]) }] },
    ]
    expect(await py.echo.delay(values).get(get)).toEqual(values)
    for (const value of values) expect(await py.echo.delay(value).get(get)).toEqual(value)
  })

  it('the deepest and the longest that travels', async () => {
    const nest = (levels: number): unknown => (levels === 0 ? [] : [nest(levels - 1)])
    const deep = nest(250)
    expect(await py.echo.delay(deep).get(get)).toEqual(deep)
    expect(await py.echo.delay(10n ** 4299n).get(get)).toBe(10n ** 4299n)
    // Beyond, Python would be hurt: it is refused here.
    await expect(py.echo.delay(nest(300))).rejects.toThrow('levels')
    await expect(py.echo.delay(10n ** 4300n)).rejects.toThrow('digits')
  })

  it('compression zlib and gzip', async () => {
    const text = 'long '.repeat(10_000)
    for (const compression of ['gzip', 'zlib'])
      expect(await py.echo.applyAsync([text], { compression }).get(get)).toBe(text)
  })

  it('countdown and eta', async () => {
    const sent = Date.now()
    const countdown = py.add.applyAsync([1, 1], { countdown: 0.7 })
    const eta = py.add.applyAsync([2, 2], { eta: new Date(sent + 700) })
    expect(await countdown.get(get)).toBe(2)
    expect(Date.now() - sent).toBeGreaterThanOrEqual(690)
    expect(await eta.get(get)).toBe(4)
  })

  it('expires', async () => {
    const late = await py.add.applyAsync([1, 1], { expires: new Date('2026-01-01') })
    await expect(late.get(get)).rejects.toMatchObject({ name: 'TaskRevokedError', message: 'expired' })
    expect(await late.state()).toBe('REVOKED')
    expect(await py.add.applyAsync([1, 1], { expires: 60 }).get(get)).toBe(2)
  })

  it('what the task sees of the call', async () => {
    const seen = await py.requestOf
      .applyAsync([1], {
        taskId: 'my-id',
        headers: { tenant: 't1' },
        priority: 3,
        timeLimit: 60,
        softTimeLimit: 50,
        kwargs: {},
      })
      .get(get)
    expect(seen).toMatchObject({
      id: 'my-id',
      root_id: 'my-id',
      parent_id: null,
      group: null,
      retries: 0,
      lang: 'js',
      args: [1],
      kwargs: {},
      timelimit: [60, 50],
      correlation_id: 'my-id',
      delivery_info: { exchange: '', routing_key: 'python', priority: 3 },
    })
    // 5.2 keeps them elsewhere.
    if (gaps.length === 0) expect(seen.headers).toMatchObject({ tenant: 't1' })
  })

  it('priority', async () => {
    const seen = await Promise.all(
      [0, 3, 9].map((priority) => py.requestOf.applyAsync([], { priority }).get(get)),
    )
    expect(seen.map(({ delivery_info: info }) => info.priority)).toEqual([0, 3, 9])
  })

  it('soft and hard time limits', async () => {
    const soft = py.sleep.applyAsync([10], { softTimeLimit: 1 })
    const hard = py.sleep.applyAsync([10], { timeLimit: 1 })
    await expect(soft.get(get)).rejects.toMatchObject({ name: 'SoftTimeLimitExceeded' })
    await expect(hard.get(get)).rejects.toMatchObject({ name: 'TimeLimitExceeded', args: [1] })
  })

  it('ignore_result, by the call and by the task', async () => {
    const sent = await py.record.applyAsync([1], { ignoreResult: true })
    expect(await left('record')).toEqual([{ id: sent.id, args: [1] }])
    await expect(sent.get(get)).rejects.toMatchObject({ name: 'ResultIgnored' })
    expect(await app.result(sent.id).ready()).toBe(false)
    // Here the task says it itself, and the sender knows: the option of a declared task.
    const own = createApp('quiet', { broker: redisUrl })
    const quiet = own.declare<(x: number) => number>('proj.record', { queue: 'python', ignoreResult: true })
    const again = await quiet.delay(2)
    expect(await left('record')).toEqual([{ id: again.id, args: [2] }])
    await expect(again.get(get)).rejects.toMatchObject({ name: 'ResultIgnored' })
    expect(await app.result(again.id).ready()).toBe(false)
    await own.close()
  })
}
