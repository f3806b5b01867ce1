// Errands in Redis: when one counts as silent, that its news come once, and that no note stays.
import { beforeEach, describe, expect, it } from 'vitest'
import { chain, chord as chordOf, createApp } from '../../src/index.js'
import { ErrandWatch } from '../../src/redis/errands.js'
import { decideFar, type Far } from '../../src/redis/far-errands.js'
import { Keys } from '../../src/redis/keys.js'
import { Link } from '../../src/redis/link.js'
import { inPieces } from '../../src/redis/publication.js'
import { parseAddress } from '../../src/redis/url.js'
import type { Silent } from '../../src/runtime/publication.js'
import { until } from '../support/until.js'
import { push, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room
const chord = { groupId: 'g', bodyId: 'b' }
const link = new Link({ address: parseAddress('broker', server.url), name: 'errands' })
link.hold()
await link.whenUp()

const told: Silent[] = []
const watchOf = (
  names: Keys = keys,
  databases = { broker: '0', results: '', written: '' },
  far?: Far,
): ErrandWatch =>
  new ErrandWatch({
    far,
    keys: names,
    databases,
    link,
    queue: 'q',
    newsOf: (silent, queue) => {
      told.push(silent)
      if (silent.text === 'signed') return undefined
      return `news of ${silent.id} for ${queue}`
    },
  })

const publish = async (ids: readonly string[], isOpen = true, text = '{}') => {
  const { broker } = room.open()
  const errands = ids.map((id, index) => ({
    ...chord,
    id,
    part: id,
    index,
    sentMs: broker.now(),
    text,
  }))
  const chords = isOpen ? [{ ...chord, size: 3 }] : []
  await broker.publish({ pushes: [push('m')], chords, errands })
  await client.del(keys.list('q', 0))
}

/** Another server, on which this lies. */
const farOf = (over: ReadonlyMap<string, string>) => {
  const asked: (readonly string[])[] = []
  const kept = new Set<string>()
  let isAway = false
  const far: Far = {
    read: async (names) => {
      asked.push(names)
      if (isAway) throw new Error('away')
      return names.map((name) => over.get(name) ?? null)
    },
    keep: async (names) => names.forEach((name) => kept.add(name)),
  }
  const away = (is: boolean) => {
    isAway = is
  }
  return { far, asked, kept, away }
}

/** As if so much time had passed: each look is due. */
const look = async (watch = watchOf()): Promise<void> => {
  for (const name of await client.zrange(keys.errands, 0, '-1'))
    await client.zadd(keys.errands, 0, String(name))
  await watch.look()
}
/** It ended long enough ago for whoever ended it to tell. */
const age = async (id: string): Promise<void> => {
  const note = await client.hget(keys.errandsOf(chord), id)
  await client.hset(keys.errandsOf(chord), id, String(note).replace(/^(\d) [1-9]\d*/, '$1 1'))
}
const ends = (id: string, text: string) => client.set(keys.result(id), text)
const failed = '{"status": "FAILURE", "result": {}, "traceback": null, "children": []}'
const news = () => client.lrange(keys.redo('q'), 0, -1)

beforeEach(() => void told.splice(0))

describe('an errand', () => {
  it('is silent when it has ended, was given time, and its chord has no part of it', async () => {
    await publish(['a'])
    await look()
    await ends('a', failed)
    await look()
    await look()
    expect(await news()).toEqual([])
    await age('a')
    await look()
    expect(await news()).toEqual(['0 - 0 -\nnews of a for q'])
    expect(told).toEqual([{ ...chord, id: 'a', part: 'a', index: 0, text: '{}', meta: failed }])
    expect(await client.keys('lovage:errands*')).toEqual([])
  })

  it('is noted before its message can be seen, and many of them in calls of their own', async () => {
    const ids = Array.from({ length: 2500 }, (_, i) => `m${i}`)
    const errand = { ...chord, part: 'a', index: 0, sentMs: 0, text: '{}' }
    const pieces = inPieces({
      pushes: [push('m')],
      chords: [{ ...chord, size: 1 }],
      errands: ids.map((id) => ({ ...errand, id })),
    })
    expect(
      pieces.map(({ pushes, chords, errands = [] }) => [errands.length, chords.length, pushes.length]),
    ).toEqual([
      [1000, 0, 0],
      [1000, 0, 0],
      [500, 0, 0],
      [0, 1, 1],
    ])
    await publish(ids)
    expect(await client.hget(keys.errandsOf(chord), '#')).toBe('2500')
    await look()
    await client.del(keys.chord('g', 's'))
    await look()
    expect(await client.keys('lovage:errands*')).toEqual([])
  })

  it('that is for others to read is left to them', async () => {
    await publish(['a'], true, 'signed')
    await ends('a', failed)
    await look()
    await age('a')
    await look()
    expect(told).toHaveLength(1)
    expect(await news()).toEqual([])
    expect(await client.hexists(keys.errandsOf(chord), 'a')).toBe(1)
  })

  it('is told once, whoever looks at the same time', async () => {
    await publish(['a', 'b'])
    await ends('a', failed)
    await look()
    await age('a')
    const watches = [watchOf(), watchOf(), watchOf()]
    for (const name of await client.zrange(keys.errands, 0, '-1'))
      await client.zadd(keys.errands, 0, String(name))
    await Promise.all(watches.map((watch) => watch.look()))
    await look()
    expect(await news()).toHaveLength(1)
    expect(await client.hkeys(keys.errandsOf(chord))).toContain('b')
  })

  it('has not ended while it runs, is tried again, or is revoked by hearsay', async () => {
    await publish(['a', 'b', 'c', 'd'])
    await ends('a', '{"status": "STARTED", "result": {}}')
    await ends('b', '{"status": "RETRY", "result": {}}')
    await ends('c', '{"status": "REVOKED", "result": {}, "traceback": null, "children": null}')
    await ends('d', '{"status": "REVOKED", "result": {}, "traceback": null, "children": []}')
    await look()
    for (const id of ['a', 'b', 'c', 'd']) await age(id)
    await look()
    expect(told.map(({ id }) => id)).toEqual(['d'])
  })

  it('is over when its part is in, told by Python or by us', async () => {
    await publish(['a', 'b'])
    await ends('a', failed)
    await ends('b', failed)
    await look()
    for (const id of ['a', 'b']) await age(id)
    await client.zadd(keys.chord('g', 'j'), 0, '[1, "a", "FAILURE", {}]')
    await client.sadd(keys.seen(chord), 'b')
    await client.expire(keys.chord('g', 's'), 3600)
    await look()
    expect(told).toEqual([])
    expect(await client.keys('lovage:errands*')).toEqual([])
  })

  it('of another place with the same number is not taken for it', async () => {
    await publish(['a'])
    await ends('a', failed)
    await client.zadd(keys.chord('g', 'j'), 0, '[1, "other", "SUCCESS", 1]')
    await look()
    await age('a')
    await look()
    expect(told.map(({ id }) => id)).toEqual(['a'])
  })

  it('ends our memory of a chord that Python joins, however it ended', async () => {
    await client.sadd(keys.seen(chord), 'ours')
    await publish(['a'])
    await client.zadd(keys.chord('g', 'j'), 0, '[1, "a", "SUCCESS", 1]')
    await look()
    expect(await client.ttl(keys.seen(chord))).toBe(-1)
    expect(await client.exists(keys.errandsOf(chord))).toBe(1)
    await client.del(keys.chord('g', 's'), keys.chord('g', 'j'))
    await look()
    expect(await client.ttl(keys.seen(chord))).toBeGreaterThan(86_000)
    expect(await client.keys('lovage:errands*')).toEqual([])
  })

  it('leaves our memory alone as long as we have a body to send', async () => {
    await client.sadd(keys.seen(chord), 'ours')
    await client.zadd(keys.taken(chord), 0, '[1, "ours", "SUCCESS", 1]')
    await publish(['a'])
    await client.del(keys.chord('g', 's'))
    await look()
    expect(await client.ttl(keys.seen(chord))).toBe(-1)
  })

  it('ends with its chord', async () => {
    await publish(['a', 'b'])
    await client.del(keys.chord('g', 's'))
    await look()
    expect(await client.keys('lovage:errands*')).toEqual([])
  })

  it('waits a minute for a chord that Python is still opening', async () => {
    await publish(['a'], false)
    await look()
    expect(await client.exists(keys.errandsOf(chord))).toBe(1)
    await client.set(keys.chord('g', 's'), '1')
    await look()
    await client.del(keys.chord('g', 's'))
    await look()
    expect(await client.exists(keys.errandsOf(chord))).toBe(0)
  })

  it('is not told to a chord that never begins: what stands behind a failure has a result, and never ran', async () => {
    await publish(['a'], false)
    await ends('a', failed)
    await look()
    await age('a')
    await look()
    expect(await news()).toEqual([])
    // From the moment that it is open it waits for its parts.
    await client.set(keys.chord('g', 's'), '3')
    await look()
    await age('a')
    await look()
    expect(await news()).toEqual(['0 - 0 -\nnews of a for q'])
  })

  it('of a chord that stands here is read on the other server where results lie there, and that is away at times', async () => {
    await publish(['a', 'b', 'c', 'd'])
    await client.sadd(keys.seen(chord), 'd')
    const end = (state: string, children = '[]') =>
      `{"status": "${state}", "result": 1, "children": ${children}}`
    const over = new Map([
      [keys.result('a'), end('FAILURE')],
      [keys.result('b'), end('REVOKED', 'null')],
      [keys.result('c'), end('SUCCESS')],
      [keys.result('d'), end('FAILURE')],
    ])
    const { far, asked, away } = farOf(over)
    away(true)
    const watch = watchOf(keys, undefined, far)
    await look(watch)
    await until(() => asked.length === 1)
    const size = keys.chord('g', 's')
    expect(asked[0]).toEqual(['a', 'b', 'c'].flatMap((id) => [keys.result(id), size]))
    away(false)
    await until(async () => {
      await look(watch)
      return told.length > 0
    })
    expect(told).toEqual([{ ...chord, id: 'a', part: 'a', index: 0, text: '{}', meta: end('FAILURE') }])
    expect(await news()).toHaveLength(1)
  })

  it('of a chord that stands on the other server is told there by Python, and by us when it keeps silent', async () => {
    await publish(['a', 'b', 'c'], false)
    const over = new Map([
      [keys.result('a'), '{"status": "SUCCESS"'],
      [keys.result('b'), failed],
      [keys.chord('g', 's'), '3'],
    ])
    const { far, kept } = farOf(over)
    const watch = watchOf(keys, undefined, far)
    const isNoted = async (id: string) => (await client.hexists(keys.errandsOf(chord), id)) === 1
    const since = async (id: string) => String(await client.hget(keys.errandsOf(chord), id)).split(' ')[1]
    await until(async () => {
      await look(watch)
      return !(await isNoted('a')) && (await since('b')) !== '0'
    })
    await age('b')
    await until(async () => {
      await look(watch)
      return told.length > 0
    })
    expect(told.map(({ id, meta }) => [id, meta])).toEqual([['b', failed]])
    // The third has ended, too: its note is the last, and keeps the chord, in which others may have parts.
    over.set(keys.result('c'), '{"status": "SUCCESS"')
    kept.clear()
    await until(async () => {
      await look(watch)
      return kept.size > 0
    })
    expect([...kept].sort()).toEqual(['j', 's', 't'].map((part) => keys.chord('g', part as 'j')))
    expect(await isNoted('c')).toBe(true)
    // Until that is over.
    over.delete(keys.chord('g', 's'))
    await look(watch)
    const note = String(await client.hget(keys.errandsOf(chord), 'c'))
    await client.hset(keys.errandsOf(chord), 'c', note.replace(/,\d{13},/, ',1,'))
    await until(async () => {
      await look(watch)
      return (await client.exists(keys.errandsOf(chord), keys.errands)) === 0
    })
    expect(told).toHaveLength(1)
  })

  it.each([
    ['has not ended', null, '-1 5', true, []],
    ['is tried again', '{"status": "RETRY"', '-1 90000', true, []],
    ['has ended just now', failed, '-1 5', true, ['known']],
    ['may be told this moment', failed, '1999 5', true, []],
    ['keeps silent', failed, '2000 5', true, ['tell']],
    ['is told by Python', '{"status": "SUCCESS"', '-1 5', true, ['ended']],
    ['was told by us', failed, '-2 5', true, ['ended']],
    ['is of a chord that is being opened', null, '-1 59000', false, []],
    ['is of a chord that is over', null, '-1 61000', false, ['over']],
  ])('on the other server that %s', async (_what, stored, meta, isOpen, verdicts) => {
    const silent = { ...chord, id: 'a', part: 'a', index: 0, text: '{}', meta }
    const over = new Map(isOpen ? [[keys.chord('g', 's'), '2']] : [])
    if (stored !== null) over.set(keys.result('a'), stored)
    const { far, kept } = farOf(over)
    const decided = await decideFar([silent], keys, far, 2000)
    expect(decided.map(({ verdict }) => verdict)).toEqual(verdicts)
    expect(kept.size).toBe(isOpen ? 3 : 0)
  })

  it('keeps its chord on the other server for a month, and no longer', async () => {
    const monthMs = 30 * 86_400_000
    const silent = { ...chord, id: 'a', part: 'a', index: 0, text: '{}' }
    const { far, kept } = farOf(new Map([[keys.chord('g', 's'), '2']]))
    await decideFar([{ ...silent, meta: `-1 ${monthMs}` }], keys, far, 2000)
    expect(kept.size).toBe(0)
    await decideFar([{ ...silent, meta: `-1 ${monthMs - 1}` }], keys, far, 2000)
    expect(kept.size).toBe(3)
  })

  it('stands behind a message that is sent alone, from the moment that it can be seen', async () => {
    const taskQueues = { python: { shared: true } }
    const app = createApp('t', { broker: server.url, taskQueues, taskRoutes: { 'proj.*': 'python' } })
    const ours = app.task('t.ours', () => 'ours')
    const body = app.task('t.body', (results: readonly unknown[]) => results.length)
    const theirs = app.declare<() => string>('proj.add')
    await chain(theirs.si(), chordOf([theirs.si().set({ taskId: 'a' }), ours.si()], body.s())).delay()
    expect(await client.llen('python')).toBe(1)
    const [note, ...others] = await client.zrange(keys.errands, 0, '-1')
    expect(others).toEqual([])
    const [groupId = '', bodyId = '', id] = String(note).split('\n')
    expect(id).toBe('a')
    const text = await client.hget(keys.errandsOf({ groupId, bodyId }), 'a')
    expect(JSON.parse(String(text).replace(/^\d \d+ /, '')).slice(0, 4)).toEqual([groupId, bodyId, 'a', 0])
    await app.close()
  })

  it('is forgotten after a day where nobody looks', async () => {
    await publish(['a'])
    for (const key of await client.keys('lovage:errands*'))
      expect(await client.ttl(key)).toBeGreaterThan(86_000)
  })

  it('lies beside its chord, in the database of the results', async () => {
    const names = new Keys('', 'app')
    const { broker } = room.open({
      backendUrl: `${server.url.replace(/\/\d*$/, '')}/3`,
      resultKeyPrefix: 'app',
    })
    const errand = { ...chord, id: 'a', part: 'a', index: null, sentMs: broker.now(), text: '{}' }
    await broker.publish({ pushes: [], chords: [{ ...chord, size: 1 }], errands: [errand] })
    await client.select(3)
    await client.set(names.result('a'), failed)
    const watch = watchOf(names, { broker: '0', results: '3', written: '' })
    for (const since of [0, 1]) {
      for (const name of await client.zrange(names.errands, 0, '-1'))
        await client.zadd(names.errands, 0, String(name))
      if (since > 0) await client.hset(names.errandsOf(chord), 'a', `1 1 ${await noteOf(names)}`)
      await watch.look()
    }
    expect(await client.keys('app_lovage:errands*')).toEqual([])
    await client.select(0)
    expect(await news()).toHaveLength(1)
    expect(told[0]?.index).toBeNull()
  })

  it('is looked at by a worker that can tell the news', async () => {
    await publish(['a'])
    await ends('a', failed)
    await look()
    await age('a')
    for (const name of await client.zrange(keys.errands, 0, '-1'))
      await client.zadd(keys.errands, 0, String(name))
    const consumer = await room.consume(room.open(), { newsOf: () => 'the news' })
    const delivered = await until(async () => (await consumer.step(0, [], 1)).deliveries[0], {
      timeout: 10_000,
    })
    expect(String(delivered.raw)).toBe('the news')
  })
})

const noteOf = async (names: Keys): Promise<string> =>
  String(await client.hget(names.errandsOf(chord), 'a')).replace(/^\d \d+ /, '')
