// Messages on one server, results on another: what a step writes is one transition on the broker's, and its results
// travel from there. Whoever dies in between, each arrives; what is told twice changes nothing.
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { OperationalError } from '../../src/errors.js'
import { Link } from '../../src/redis/link.js'
import { scripts } from '../../src/redis/scripts.js'
import { maskUrl } from '../../src/mask.js'
import { parseAddress } from '../../src/redis/url.js'
import type { CarrierOptions } from '../../src/runtime/carrier.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { end, messages, part, push, stored, success, useRoom } from './room.js'

const room = await useRoom()
const far = await startRedis({ own: true })
const there = new Redis(far.url, { maxRetriesPerRequest: null })
there.on('error', () => undefined)
afterEach(() => there.flushall())
afterAll(() => there.disconnect())
const { client, keys } = room

const open = (options: Partial<CarrierOptions> = {}) => room.open({ backendUrl: far.url, ...options })

const isEmpty = async (): Promise<boolean> => (await client.exists(keys.outbox)) === 0
const stub = (taskId: string): string => `${keys.outbox}:of:${keys.result(taskId)}`

describe('results on another server', () => {
  it('arrive there in order with their lifetimes, and are told to who waits; only their state stays behind', async () => {
    const { broker, backend } = open()
    const heard: string[] = []
    backend.watch('a', (text) => heard.push(text))
    await broker.publish(messages('a', 'b', 'c'))
    const consumer = await room.consume({ broker } as never)
    const [a, b, c] = (await consumer.step(0, [], 3)).deliveries
    expect(await consumer.store(a!.tag, stored('a', 'STARTED'))).toBe(true)
    const forever = { ...success('c'), expires: 0 }
    const ended = [
      end(a!, { results: [success('a')] }),
      end(b!, { fence: 'b:0:0:', results: [stored('b', 'FAILURE')] }),
      end(c!, { fence: 'c:0:0:', results: [forever] }),
    ]
    expect((await consumer.step(0, ended, 0)).refused).toEqual([])
    await until(isEmpty)
    const texts = [success('a').text, stored('b', 'FAILURE').text, forever.text]
    expect(await backend.read(['a', 'b', 'c'])).toEqual(texts)
    await until(() => heard.includes(success('a').text))
    const ttl = await there.ttl(keys.result('a'))
    expect(ttl).toBeGreaterThan(0)
    expect(ttl).toBeLessThanOrEqual(success('a').expires)
    expect(await there.ttl(keys.result('c'))).toBe(-1)
    expect(await client.keys('*celery-task-meta*')).toHaveLength(3)
    expect(await client.get(stub('a'))).toBe('{"status": "SUCCESS"')
    expect(await client.ttl(stub('c'))).toBeGreaterThan(0)
  })

  it('are fenced where the messages are: a second message of a task that succeeded is refused', async () => {
    const { broker, backend } = open()
    await broker.publish(messages('a', 'a2'))
    const consumer = await room.consume({ broker } as never)
    const [one, two] = (await consumer.step(0, [], 2)).deliveries
    await consumer.step(0, [end(one!, { results: [success('a', 1)] })], 0)
    const second = end(two!, { results: [success('a', 2)], pushes: [push('next', { queue: 'out' })] })
    expect((await consumer.step(0, [second], 0)).refused).toEqual([0])
    await until(isEmpty)
    expect(await backend.read(['a'])).toEqual([success('a', 1).text])
    expect(await client.llen('out')).toBe(0)
  })

  it('of a chord: it joins at the broker, in the step that brings its last part', async () => {
    const { broker } = open()
    const chord = { groupId: 'g', bodyId: 'body' }
    await broker.publish({ pushes: [push('a'), push('b')], chords: [{ ...chord, size: 2 }] })
    const consumer = await room.consume({ broker } as never)
    const [a, b] = (await consumer.step(0, [], 2)).deliveries
    await consumer.step(0, [end(a!, { results: [success('a')], parts: [part('a', 0)] })], 0)
    const last = end(b!, { results: [success('b')], parts: [part('b', 1)] })
    expect((await consumer.step(0, [last], 0)).joins).toHaveLength(1)
    await until(isEmpty)
    expect((await there.keys('celery*')).sort()).toEqual(['a', 'b'].map(keys.result))
  })

  it('of a chord that stands there, since Python opened it: parts go there, and the last one brings its message back', async () => {
    const { broker } = open()
    await there.set(keys.chord('g', 's'), '3')
    await there.zadd(keys.chord('g', 'j'), 1, '[1, "python", "SUCCESS", 1]')
    await broker.publish(messages('a', 'b'))
    const consumer = await room.consume({ broker } as never)
    const [a, b] = (await consumer.step(0, [], 2)).deliveries
    const ended = [
      end(a!, { fence: 'a:0:0:', results: [success('a')], parts: [part('a', 0)] }),
      end(b!, { fence: 'b:0:0:', results: [success('b')], parts: [part('b', 2)] }),
    ]
    expect(await consumer.step(0, ended, 0)).toMatchObject({ refused: [], joins: [] })
    const redo = async () => (await consumer.step(0, [], 1)).deliveries[0]
    const again = await until(redo)
    expect([String(again.raw), again.uncertain]).toEqual(['b', true])
    const chord = { groupId: 'g', bodyId: 'b' }
    const members = [part('a', 0).member, '[1, "python", "SUCCESS", 1]', part('b', 2).member]
    const note = await consumer.note(again.tag, 'b:0:0:', [{ ...chord, taskId: 'b' }])
    expect(note).toEqual({ kind: 'done', joins: [{ ...chord, members }] })
    const body = end(again, { joined: [chord], pushes: [push('body', { queue: 'out' })] })
    expect((await consumer.step(0, [body], 0)).refused).toEqual([])
    expect(await client.lrange('out', 0, -1)).toEqual(['body'])
    await until(isEmpty)
    expect(await there.keys('celery-taskset-meta*')).toEqual([])
    await until(async () => (await there.keys(`${keys.counted('*')}:*`)).length === 0)
  })

  it('of a chord that stands there: delivered twice it counts once, and the one that completed it says so again', async () => {
    await there.set(keys.courier('some'), 'me', 'PX', 60_000)
    await there.set(keys.chord('g', 's'), '2', 'EX', 600)
    const head = (id: string, index: string) => JSON.stringify(['', 'g', 'b', index, id, 'q', 1])
    const deliver = (...entries: readonly (string | number)[]) =>
      there.eval(
        scripts.deliver.text,
        2,
        keys.courier('some'),
        keys.counted('some'),
        'me',
        60_000,
        ...entries,
      )
    const [one, two] = [part('a', 0).member, part('b', 1).member]
    expect(await deliver(0, head('a', '0'), 'part', one)).toBe(1)
    expect(await deliver(0, head('a', '0'), 'part', one)).toBe(1)
    expect(await there.zcard(keys.chord('g', 'j'))).toBe(1)
    for (const name of ['j', 's'] as const)
      expect(await there.ttl(keys.chord('g', name))).toBeGreaterThan(600)
    // One more is expected from now on.
    const more = [JSON.stringify([keys.chord('g', 't')]), 'more', '']
    expect(await deliver(1, ...more, head('b', '1'), 'part', two)).toBe(1)
    // One is taken back and told anew. Who delivers all of it once more has taken back nothing new.
    const back = [JSON.stringify(['', 'g', 'b']), 'back', '']
    expect(await deliver(3, ...back)).toBe(1)
    expect(await there.zrange(keys.chord('g', 'j'), 0, '-1')).toEqual([one])
    for (const _ of [1, 2]) expect(await deliver(3, ...back, head('b', '1'), 'part', two)).toBe(1)
    const last = [5, head('c', '2'), 'part', part('c', 2).member] as const
    const joined = [[0, [one, two, part('c', 2).member]]]
    expect(await deliver(...last)).toEqual(joined)
    expect(await deliver(...last)).toEqual(joined)
    expect(await there.exists(keys.chord('g', 's'), keys.chord('g', 't'), keys.chord('g', 'j'))).toBe(0)
  })

  it('of a chord that stands there: what is added to it goes out when it is known there', async () => {
    const { broker } = open()
    await there.set(keys.chord('g', 's'), '1')
    await broker.publish(messages('a'))
    const consumer = await room.consume({ broker } as never)
    const [a] = (await consumer.step(0, [], 1)).deliveries
    const chord = { groupId: 'g', bodyId: 'b' }
    const grown = end(a!, {
      grown: [chord],
      pushes: [push('added', { queue: 'out' })],
      parts: [part('a', 0)],
    })
    await there.client('PAUSE', 60_000, 'WRITE')
    await consumer.step(0, [grown], 0)
    expect(await client.llen('out')).toBe(0)
    await there.client('UNPAUSE')
    await until(async () => (await client.llen('out')) === 1)
    expect(await there.get(keys.chord('g', 't'))).toBe('1')
    await until(isEmpty)
    expect(await there.zcard(keys.chord('g', 'j'))).toBe(1)
  })

  it('of a chord that stands here until Python takes part in it: it moves there, and only then does its message go out', async () => {
    const { broker } = open()
    const chord = { groupId: 'g', bodyId: 'b' }
    await broker.publish({ ...messages('a', 'b', 'c'), chords: [{ ...chord, size: 3 }] })
    await client.set(keys.chord('g', 't'), '1')
    const note = { ...chord, part: 'p', index: 1, sentMs: 0, text: '{}' }
    await broker.publish({ ...messages('x'), errands: [{ ...note, id: 'before' }] })
    const consumer = await room.consume({ broker } as never)
    const held = (await consumer.step(0, [], 4)).deliveries
    const [a, b, c] = held
    await consumer.step(0, [end(a!, { fence: 'a:0:0:', parts: [part('a', 0)] })], 0)
    expect(await client.zcard(keys.chord('g', 'j'))).toBe(1)
    await there.client('PAUSE', 60_000, 'WRITE')
    const replaced = end(b!, {
      fence: 'b:0:0:',
      mixed: [chord],
      errands: [{ ...note, id: 'b' }],
      pushes: [push('python', { queue: 'out' })],
    })
    expect((await consumer.step(0, [replaced], 0)).refused).toEqual([])
    await consumer.step(0, [end(c!, { fence: 'c:0:0:', parts: [part('c', 2)] })], 0)
    expect(await client.llen('out')).toBe(0)
    expect(await client.exists(keys.chord('g', 's'), keys.chord('g', 't'), keys.chord('g', 'j'))).toBe(0)
    await there.client('UNPAUSE')
    await until(isEmpty)
    expect(await client.lrange('out', 0, -1)).toEqual(['python'])
    expect(await there.get(keys.chord('g', 's'))).toBe('4')
    expect(await there.zrange(keys.chord('g', 'j'), 0, '-1', 'WITHSCORES')).toEqual([
      part('a', 0).member,
      '0',
      part('c', 2).member,
      '2',
    ])
    for (const name of ['j', 's'] as const) expect(await there.ttl(keys.chord('g', name))).toBeGreaterThan(0)
    expect(await client.ttl(keys.seen(chord))).toBeGreaterThan(0)
    // What was noted of it before is not over with that.
    for (const id of ['before', 'b']) expect(await client.hget(keys.errandsOf(chord), id)).toMatch(/^0 0 /)
  })

  it('of a chord that a step opens for Python: it opens there, and only then do its messages go out', async () => {
    const { broker } = open()
    const chord = { groupId: 'g', bodyId: 'b' }
    await broker.publish(messages('a'))
    const consumer = await room.consume({ broker } as never)
    const [a] = (await consumer.step(0, [], 1)).deliveries
    await there.client('PAUSE', 60_000, 'WRITE')
    const opening = end(a!, {
      fence: 'a:0:0:',
      chords: [
        { ...chord, size: 2 },
        { groupId: 'ours', bodyId: 'o', size: 1 },
      ],
      mixed: [chord],
      errands: [{ ...chord, id: 'p', part: 'p', index: 0, sentMs: 0, text: '{}' }],
      pushes: [push('python', { queue: 'out' }), push('node', { queue: 'in' })],
    })
    expect((await consumer.step(0, [opening], 0)).refused).toEqual([])
    expect([await client.llen('out'), await client.llen('in')]).toEqual([0, 0])
    expect(await client.keys('celery-taskset-meta*')).toEqual([keys.chord('ours', 's')])
    await there.client('UNPAUSE')
    await until(isEmpty)
    expect([await client.lrange('out', 0, -1), await client.lrange('in', 0, -1)]).toEqual([
      ['python'],
      ['node'],
    ])
    expect(await there.get(keys.chord('g', 's'))).toBe('2')
    expect(await there.ttl(keys.chord('g', 's'))).toBeGreaterThan(0)
    expect(await there.exists(keys.chord('g', 'j'))).toBe(0)
    expect(await client.hget(keys.errandsOf(chord), 'p')).toMatch(/^0 0 /)
  })

  it('of a chord of many that moves: all of them, in pieces, whatever is delivered twice', async () => {
    const { broker } = open()
    const chord = { groupId: 'g', bodyId: 'b' }
    await broker.publish({ ...messages('a'), chords: [{ ...chord, size: 2502 }] })
    const members = Array.from({ length: 2500 }, (_, i) => part(`m${i}ü`, i).member)
    const scored = members.flatMap((member, i) => [String(i), member])
    await client.zadd(keys.chord('g', 'j'), ...scored, '+inf', part('last', null).member)
    const consumer = await room.consume({ broker } as never)
    const [a] = (await consumer.step(0, [], 1)).deliveries
    await there.client('PAUSE', 60_000, 'WRITE')
    await consumer.step(0, [end(a!, { fence: 'a:0:0:', mixed: [chord] })], 0)
    const entries = await client.lrangeBuffer(keys.outbox, 0, -1)
    expect(entries).toHaveLength(4)
    await there.client('UNPAUSE')
    await until(isEmpty)
    const moved = [...members, part('last', null).member]
    expect(await there.zrange(keys.chord('g', 'j'), 0, '-1')).toEqual(moved)
    const [counted] = await there.keys(keys.counted('*'))
    expect(await there.get(counted!)).toBe('3')
  })

  it('of a dead letter that is sent again: its FAILURE is forgotten there, too, before the new result', async () => {
    const { broker, backend } = open()
    await broker.publish(messages('a'))
    const consumer = await room.consume({ broker } as never)
    const [held] = (await consumer.step(0, [], 1)).deliveries
    const ending = { kind: 'dead', reason: 'r', taskId: 'a' } as const
    await consumer.step(0, [end(held!, { fence: 'a:0:0:', ending, results: [stored('a', 'FAILURE')] })], 0)
    await until(async () => (await backend.read(['a']))[0] !== null)
    const [letter] = await broker.dead.list(1)
    expect(await broker.dead.revive(letter!, { fences: ['a:0:0:'], taskIds: ['a'], parts: [] })).toBe('sent')
    await until(async () => (await backend.read(['a']))[0] === null)
    const [again] = (await consumer.step(0, [], 1)).deliveries
    await consumer.step(0, [end(again!, { fence: 'a:0:0:', results: [success('a')] })], 0)
    await until(async () => (await backend.read(['a']))[0] === success('a').text)
  })

  it('of a dead letter whose chord stands there: its part is taken back, and the new one counts', async () => {
    const { broker } = open()
    await there.set(keys.chord('g', 's'), '2', 'EX', 600)
    await broker.publish(messages('a', 'b'))
    const consumer = await room.consume({ broker } as never)
    const [a, b] = (await consumer.step(0, [], 2)).deliveries
    const ending = { kind: 'dead', reason: 'r', taskId: 'a' } as const
    const failed = { ...part('a', 0), member: '[1, "a", "FAILURE", {}]' }
    await consumer.step(
      0,
      [end(a!, { fence: 'a:0:0:', ending, results: [stored('a', 'FAILURE')], parts: [failed] })],
      0,
    )
    const parts = () => there.zrange(keys.chord('g', 'j'), 0, '-1')
    await until(async () => (await parts()).length === 1)
    const [letter] = await broker.dead.list(1)
    const place = { groupId: 'g', bodyId: 'b', taskId: 'a' }
    const revival = { fences: ['a:0:0:'], taskIds: ['a'], parts: [place] }
    const elsewhere = { ...revival, parts: [place, { ...place, groupId: 'over' }] }
    expect(await broker.dead.revive(letter!, elsewhere)).toBe('joined')
    expect(await parts()).toEqual([failed.member])
    expect(await broker.dead.revive(letter!, revival)).toBe('sent')
    await until(async () => (await parts()).length === 0)
    const [again] = (await consumer.step(0, [], 1)).deliveries
    const ended = [
      end(again!, { fence: 'a:0:0:', results: [success('a')], parts: [part('a', 0)] }),
      end(b!, { fence: 'b:0:0:', results: [success('b')], parts: [part('b', 1)] }),
    ]
    expect((await consumer.step(0, ended, 0)).refused).toEqual([])
    await until(async () => (await there.exists(keys.chord('g', 's'))) === 0)
    const last = await until(async () => (await consumer.step(0, [], 1)).deliveries[0])
    const note = await consumer.note(last.tag, 'b:0:0:', [{ groupId: 'g', bodyId: 'b', taskId: 'b' }])
    expect(note).toMatchObject({ joins: [{ members: [part('a', 0).member, part('b', 1).member] }] })
  })

  it('of revoked tasks: a client sees them off itself where no worker carries, and leaves the place to others', async () => {
    const { broker, backend } = open()
    const ids = ['a', 'b', 'c']
    const revoke = (id: string) =>
      broker.revoke({ ids: [id], stamps: [], results: [stored(id, 'REVOKED')], most: 10, seconds: 60 })
    await Promise.all(ids.map(revoke))
    expect(await backend.read(ids)).toEqual(ids.map((id) => stored(id, 'REVOKED').text))
    expect(await isEmpty()).toBe(true)
    await until(async () => (await there.keys('lovage:courier:*')).length === 0)
  })

  it('that are delivered twice, or by one who was away, change nothing', async () => {
    const { backend } = open()
    // Nobody carries yet.
    const results = [stored('a', 'REVOKED')]
    const key = keys.result('a')
    await client.rpush(keys.outbox, `60 ${key.length} ${key}${results[0]!.text}`)
    const here = new Link({ address: parseAddress('broker', room.server.url), name: 't' })
    const farther = new Link({ address: parseAddress('broker', far.url), name: 't' })
    for (const link of [here, farther]) link.hold()
    await Promise.all([here.whenUp(), farther.whenUp()])
    const facts = [2, keys.outbox, keys.outboxFacts]
    const [name, taken, entry] = (await here.run(scripts.peek, [...facts, 'some', 1000])) as Buffer[]
    expect([String(name), String(taken)]).toEqual(['some', '0'])
    expect(String(entry)).toContain(results[0]!.text)
    const place = keys.courier('some')
    const told = [keys.result('a'), '60', results[0]!.text]
    const deliver = (token: string) =>
      farther.run(scripts.deliver, [2, place, keys.counted('some'), token, 5000, 0, ...told])
    expect(await deliver('me')).toBe(0)
    await there.set(place, 'me', 'PX', 5000)
    expect([await deliver('me'), await deliver('me'), await deliver('another')]).toEqual([1, 1, 0])
    expect(await backend.read(['a'])).toEqual([results[0]!.text])
    const unload = () => here.run(scripts.unload, [...facts, 'some', String(taken), 1, 0])
    await client.rpush(keys.outbox, 'not seen')
    expect([await unload(), await unload()]).toEqual([1, 0])
    expect(await client.lrange(keys.outbox, 0, -1)).toEqual(['not seen'])
    await client.del(keys.outbox)
    for (const link of [here, farther]) {
      link.free()
      link.close()
    }
  })

  it('wait while that is away: tasks go on, it is said once, and they arrive', async () => {
    const lines: string[] = []
    const { broker } = open()
    await broker.publish(messages('a', 'b'))
    const onTrouble = ({ message }: { message: string }) => void lines.push(message)
    const consumer = await room.consume({ broker } as never, { onTrouble })
    await until(async () => (await there.keys('lovage:courier:*')).length === 1)
    await far.stop({ hard: true })
    const [a, b] = (await consumer.step(0, [], 2)).deliveries
    for (const held of [a!, b!])
      await consumer.step(0, [end(held, { results: [success(String(held.raw))] })], 0)
    await until(() => lines.length > 0)
    expect(lines[0]).toContain(`Results wait in the broker: Cannot reach Redis at ${maskUrl(far.url)}`)
    // A client does not wait for ever, either.
    const results = [stored('c', 'REVOKED')]
    await open({ timeout: 1 }).broker.revoke({ ids: ['c'], stamps: [], results, most: 10, seconds: 60 })
    expect(await client.llen(keys.outbox)).toBe(3)
    // Nor who opens a chord over there, but for as long as he is told to.
    const [chord, twice] = [2, 3].map((size) => ({ groupId: 'g', bodyId: 'b', size }))
    await expect(broker.openFar?.([chord!], { patience: 1 })).rejects.toThrow(OperationalError)
    const opened = broker.openFar?.([chord!], { patience: 60 })
    await far.restart()
    await opened
    await broker.openFar?.([twice!])
    expect(await there.get(keys.chord('g', 's'))).toBe('2')
    expect(await there.ttl(keys.chord('g', 's'))).toBeGreaterThan(0)
    await until(isEmpty, { timeout: 20_000 })
    const texts = [success('b').text, stored('c', 'REVOKED').text]
    expect(await there.mget(['b', 'c'].map(keys.result))).toEqual(texts)
    await until(() => lines.length === 2, { message: () => lines.join('') })
    expect(lines[1]).toContain('Results are delivered to')
  })
})
