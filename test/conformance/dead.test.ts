// Dead letters that are sent again: a new message, of which nothing that the failure left behind stands in the way.
import { expect, test } from 'vitest'
import type { Revival } from '../../src/runtime/dead-letter.js'
import { onEveryEngine } from './engines.js'
import * as words from './words.js'

const { chord, claim, claimOne, complete, end, messages, onlyJoin, part, push, raws } = words
const { result, success, theChord } = words

const nothing: Revival = { fences: [], taskIds: [], parts: [] }

onEveryEngine('a dead letter that is sent again', (bench) => {
  /** Publishes this, and has it fail; its text is its task's id. */
  const bury = async (raw = 'a', options: Parameters<typeof push>[1] = {}) => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: [push(raw, options)], chords: [] })
    const ending = { kind: 'dead', reason: 'poison', taskId: raw } as const
    const held = await claimOne(consumer)
    await complete(consumer, end(held, { fence: `${raw}:0:0:`, ending, results: [result(raw, 'FAILURE')] }))
    const [letter] = await broker.dead.list(1)
    return { broker, consumer, letter: letter! }
  }

  test('is found by its id', async () => {
    const { broker, letter } = await bury()
    expect(await broker.dead.read(letter.id)).toEqual(letter)
    expect(await broker.dead.read('nobody')).toBeNull()
  })

  test('is named without its message: all of them, or those of one queue, the newest first', async () => {
    const { broker } = await bury()
    await bury('b')
    const listed = (await broker.dead.list(9)).map(({ id }) => id)
    expect(listed).toHaveLength(2)
    expect(await broker.dead.ids()).toEqual(listed)
    expect(await broker.dead.ids('q')).toEqual(listed)
    expect(await broker.dead.ids('another')).toEqual([])
    await broker.dead.purge([listed[0]!])
    expect(await broker.dead.ids('q')).toEqual([listed[1]])
  })

  test('lies in the list of its priority, byte for byte, as if it were new, and is no letter any more', async () => {
    const { broker, consumer, letter } = await bury('{ "a": 1.0 }', { priority: 6 })
    await broker.publish({ pushes: [push('urgent'), push('behind', { priority: 6 })], chords: [] })
    expect(await broker.dead.revive(letter, nothing)).toBe('sent')
    expect(await broker.dead.list(9)).toEqual([])
    const claimed = await claim(consumer, 9)
    expect(raws(claimed)).toEqual(['urgent', 'behind', '{ "a": 1.0 }'])
    expect(claimed[2]).toMatchObject({ attempts: 0, redelivered: false, uncertain: false, lastWorker: null })
  })

  test('keeps bytes that are no text', async () => {
    const { broker, consume, seed } = bench()
    const consumer = await consume()
    const raw = Buffer.from([0xff, 0x00, 0x0a, 0xc3])
    await seed('q', raw)
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'dead', reason: 'no text' } }))
    const [letter] = await broker.dead.list(1)
    expect(await broker.dead.revive(letter!, nothing)).toBe('sent')
    expect((await claimOne(consumer)).raw).toEqual(raw)
  })

  test('is sent once: a second time, and after a purge, it is gone', async () => {
    const { broker, letter } = await bury()
    const both = await Promise.all([broker.dead.revive(letter, nothing), broker.dead.revive(letter, nothing)])
    expect(both).toEqual(['sent', 'gone'])
    expect(await broker.length('q')).toBe(1)
    const { letter: other } = await bury('b')
    // Whoever purges does not count the one that was sent again, and takes nothing from the queue.
    expect(await broker.dead.purge()).toBe(1)
    expect(await broker.dead.revive(other, nothing)).toBe('gone')
  })

  test('ends as a new one: neither the marker nor the FAILURE of its first end refuses it', async () => {
    const { broker, consumer, letter } = await bury()
    const { backend } = bench()
    await broker.dead.revive(letter, { ...nothing, fences: ['a:0:0:'], taskIds: ['a'] })
    expect(await backend.read(['a'])).toEqual([null])
    const ended = end(await claimOne(consumer), {
      fence: 'a:0:0:',
      results: [success('a')],
      pushes: [push('next', { queue: 'out' })],
    })
    expect((await complete(consumer, ended)).refused).toEqual([])
    expect(await backend.read(['a'])).toEqual([success('a').text])
    expect(await broker.length('out')).toBe(1)
  })

  test('and its twin that was on its way: what follows is sent once', async () => {
    const { broker, consumer, letter } = await bury()
    await broker.publish(messages('a'))
    await broker.dead.revive(letter, { ...nothing, fences: ['a:0:0:'] })
    const [one, other] = await claim(consumer, 2)
    const ended = (tag: string) => end({ tag }, { fence: 'a:0:0:', pushes: [push('next', { queue: 'out' })] })
    expect((await complete(consumer, ended(one!.tag), ended(other!.tag))).refused).toEqual([1])
    expect(await broker.length('out')).toBe(1)
  })

  test('only a FAILURE is forgotten, also of those behind it', async () => {
    const { broker, letter, consumer } = await bury()
    await broker.publish(messages('x'))
    const results = [result('b', 'FAILURE'), result('c', 'REVOKED'), success('d')]
    await complete(consumer, end(await claimOne(consumer), { fence: 'x:0:0:', results }))
    await broker.dead.revive(letter, { ...nothing, taskIds: ['a', 'b', 'c', 'd'] })
    expect(await bench().backend.read(['a', 'b', 'c', 'd'])).toEqual([
      null,
      null,
      results[1]!.text,
      results[2]!.text,
    ])
  })

  test('is refused when its task has succeeded since: the letter stays', async () => {
    const { broker, letter, consumer } = await bury()
    await broker.publish(messages('twin'))
    await complete(consumer, end(await claimOne(consumer), { results: [success('a')] }))
    expect(await broker.dead.revive(letter, { ...nothing, taskIds: ['a'] })).toBe('done')
    expect(await broker.dead.list(9)).toHaveLength(1)
    expect(await broker.length('q')).toBe(0)
  })

  test('only those named are dropped by a purge with names', async () => {
    const { broker, letter } = await bury()
    const { letter: other } = await bury('b')
    expect(await broker.dead.purge([letter.id, 'nobody'])).toBe(1)
    expect((await broker.dead.list(9)).map(({ id }) => id)).toEqual([other.id])
    expect(await broker.dead.purge([])).toBe(0)
  })

  const place = { ...theChord, taskId: 'a' }

  /** A chord of two, `a` and `b`, of which `a` is a dead letter. */
  const buryPart = async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: [push('a'), push('b')], chords: [chord(2)] })
    const [a, b] = await claim(consumer, 2)
    const ending = { kind: 'dead', reason: 'poison', taskId: 'a' } as const
    await complete(consumer, end(a!, { fence: 'a:0:0:', ending, parts: [part('a', 0, 'failed')] }))
    const [letter] = await broker.dead.list(1)
    return { broker, consumer, letter: letter!, b: b! }
  }

  test('takes its part back from a chord that waits: the chord waits for the new one', async () => {
    const { broker, consumer, letter, b } = await buryPart()
    const revival = { ...nothing, fences: ['a:0:0:'], parts: [place] }
    expect(await broker.dead.revive(letter, revival)).toBe('sent')
    expect((await complete(consumer, end(b, { parts: [part('b', 1)] }))).joins).toEqual([])
    const again = await claimOne(consumer)
    const { joins, refused } = await complete(
      consumer,
      end(again, { results: [success('a')], parts: [part('a', 0, 'at last')] }),
    )
    expect(refused).toEqual([])
    expect(onlyJoin(joins).members).toEqual([part('a', 0, 'at last').member, part('b', 1).member])
  })

  test('is known as not ended when its new worker dies: it runs again', async () => {
    const { broker, consumer, letter } = await buryPart()
    await broker.dead.revive(letter, { ...nothing, fences: ['a:0:0:'], parts: [place] })
    await claimOne(consumer)
    await bench().lapse(consumer)
    const second = await bench().consume()
    const [redelivered] = (await claim(second, 9)).filter(({ raw }) => String(raw) === 'a')
    expect(await second.note(redelivered!.tag, 'a:0:0:', [place])).toEqual({ kind: 'run' })
  })

  test('is refused when its chord went on without it: the letter stays', async () => {
    const { broker, consumer, letter, b } = await buryPart()
    await complete(consumer, end(b, { parts: [part('b', 1)] }))
    const revival = { ...nothing, fences: ['a:0:0:'], taskIds: ['a'], parts: [place] }
    expect(await broker.dead.revive(letter, revival)).toBe('joined')
    expect(await broker.length('q')).toBe(0)
    expect(await broker.dead.list(9)).toEqual([letter])
  })
})
