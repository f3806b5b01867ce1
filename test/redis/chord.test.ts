// Chords beside Python peers: their parts, their sizes, their lists, their redeliveries.
import { describe, expect, it } from 'vitest'
import type { StepReply } from '../../src/runtime/consumer.js'
import { end, part, push, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room
const [j, s, t] = (['j', 's', 't'] as const).map((name) => keys.chord('g', name)) as [string, string, string]
const chord = { groupId: 'g', bodyId: 'b' }

/** Ends one header task after the other; the joins of each. */
const report = async (...parts: readonly ReturnType<typeof part>[]) => {
  const worker = await room.bare()
  const joins: StepReply['joins'][] = []
  for (const [i, each] of parts.entries()) {
    await client.lpush('q', each.taskId)
    const [delivery] = await worker.claim('l0', 10 * i + 1, 1)
    const reply = await worker.step('l0', 10 * i + 5, [
      end(delivery!, { results: [success(each.taskId)], parts: [each] }),
    ])
    joins.push((reply as StepReply).joins)
  }
  return joins
}

describe('a chord', () => {
  it('is joined in the order of its places, whatever the order of arrival', async () => {
    await room.open().broker.publish({ pushes: [], chords: [{ ...chord, size: 3 }] })
    const joins = await report(part('c', 2), part('a', 0), part('b', 1))
    expect(joins.map((each) => each.length)).toEqual([0, 0, 1])
    expect(joins[2]![0]!.members).toEqual([part('a', 0).member, part('b', 1).member, part('c', 2).member])
    expect(await client.exists(j, s, t)).toBe(0)
    expect(await client.ttl(keys.taken(chord))).toBe(-1)
  })

  it('puts parts without a place at the end', async () => {
    await room.open().broker.publish({ pushes: [], chords: [{ ...chord, size: 2 }] })
    const [, joins] = await report(part('z', null), part('a', 7))
    expect(joins![0]!.members).toEqual([part('a', 7).member, part('z', null).member])
  })

  it('counts a part that comes before its size; Python writes that late, and with a TTL', async () => {
    const [open] = await report(part('a', 0))
    expect(open).toEqual([])
    expect(await client.ttl(j)).toBeGreaterThan(86_000)
    expect(await client.ttl(keys.seen(chord))).toBeGreaterThan(86_000)
    await client.set(s, '2', 'EX', 86_400)
    const [joins] = await report(part('b', 1))
    expect(joins![0]!.members).toHaveLength(2)
    expect(await client.ttl(keys.taken(chord))).toBe(-1)
    expect(await client.ttl(keys.seen(chord))).toBe(-1)
  })

  it('adds what Python’s add_to_chord added', async () => {
    await client.set(s, '1')
    await client.set(t, '1')
    const joins = await report(part('a', 0), part('b', 1))
    expect(joins.map((each) => each.length)).toEqual([0, 1])
  })

  it('drops a Python redelivery that came with other bytes, and does not join early', async () => {
    await client.set(s, '3')
    await client.zadd(j, 0, '[1, "p", "SUCCESS", 1]')
    await client.zadd(j, 0, '[1, "p", "SUCCESS", 2]')
    const joins = await report(part('a', 1), part('b', 2))
    expect(joins.map((each) => each.length)).toEqual([0, 1])
    expect(joins[1]![0]!.members).toEqual([
      '[1, "p", "SUCCESS", 1]',
      part('a', 1).member,
      part('b', 2).member,
    ])
  })

  it('follows a Python peer that keeps its parts in a list', async () => {
    await client.set(s, '2')
    await client.rpush(j, '[1, "p", "SUCCESS", 1]')
    const [joins] = await report(part('a', 0))
    expect(joins![0]!.members).toEqual(['[1, "p", "SUCCESS", 1]', part('a', 0).member])
  })

  it('leaves a late Python duplicate nothing to join', async () => {
    await client.set(s, '1')
    await report(part('a', 0))
    await client.zadd(j, 0, part('a', 0).member)
    expect(await client.exists(s, t)).toBe(0)
  })

  it('refuses the second run of one header task, before and after the join', async () => {
    const worker = await room.bare()
    await client.set(s, '2')
    await client.lpush('q', 'a', 'a', 'b', 'a')
    const got = await worker.claim('l0', 1, 4)
    const ends = [got[0]!, got[1]!, got[2]!, got[3]!].map((delivery) => {
      const id = String(delivery.raw)
      return end(delivery, { results: [success(id)], parts: [part(id, 0)] })
    })
    const reply = (await worker.step('l0', 9, ends)) as StepReply
    expect(reply.refused).toEqual([1, 3])
    expect(reply.joins).toMatchObject([{ completion: 2 }])
  })

  it('counts the part of a task whose SUCCESS a dying Python peer had stored', async () => {
    await client.set(keys.result('a'), success('a').text)
    await client.set(s, '1')
    const [joins] = await report(part('a', 0))
    expect(joins).toHaveLength(1)
  })

  it('counts its last part although other pushes go with it, in two databases', async () => {
    const { broker } = room.open({ backendUrl: room.server.database(3) })
    const other = client.duplicate({ db: 3 })
    await broker.publish({ pushes: [push('a')], chords: [{ ...chord, size: 1 }] })
    expect(await other.get(s)).toBe('1')
    const consumer = await room.consume({ broker } as never)
    const { deliveries } = await consumer.step(0, [], 1)
    const last = {
      fence: 'a:0:0:',
      results: [success('a')],
      parts: [part('a', 0)],
      pushes: [push('x', { queue: 'out' })],
    }
    const reply = await consumer.step(0, [end(deliveries[0]!, last)], 0)
    expect(reply.joins).toMatchObject([{ members: [part('a', 0).member] }])
    expect(await other.exists(keys.taken(chord), keys.seen(chord), keys.result('a'))).toBe(3)
    const body = { joined: [chord], pushes: [push('body', { queue: 'out' })] }
    expect((await consumer.step(0, [end(deliveries[0]!, body)], 0)).refused).toEqual([])
    expect(await other.exists(keys.taken(chord))).toBe(0)
    expect(await client.lrange('out', 0, -1)).toEqual(['body', 'x'])
    expect((await client.keys('*')).filter((key) => key.startsWith('celery'))).toEqual([])
    expect((await other.keys('*')).filter((key) => /unacked|q$|out/.test(key))).toEqual([])
    other.disconnect()
  })
})
