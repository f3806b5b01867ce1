// A consumer turns to other queues while it runs.
import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, push, raws } from './words.js'

onEveryEngine('turning to other queues', (bench) => {
  const send = (queue: string, ...names: string[]) =>
    bench().broker.publish({ pushes: names.map((name) => push(name, { queue })), chords: [] })

  test('of a queue that is added messages are claimed, those that lay there, too', async () => {
    const { consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    await send('b', 'before')
    expect(await claim(consumer, 5)).toEqual([])
    await consumer.serve(['a', 'b'], [])
    await send('b', 'after')
    const found = await claim(consumer, 5)
    expect(raws(found)).toEqual(['before', 'after'])
    expect(found.map(({ queue }) => queue)).toEqual(['b', 'b'])
  })

  test('a wait that is under way ends, and the next one hears of the new queue', async () => {
    const { consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    const waiting = consumer.wait(1)
    await consumer.serve(['a', 'b'], [])
    expect(await waiting).toEqual([])
    const next = consumer.wait(1)
    await send('b', 'news')
    const found = [...(await next)]
    while (found.length === 0) found.push(...(await consumer.wait(1)))
    expect(raws(found)).toEqual(['news'])
  })

  test('again and again while it waits: that is no trouble, and what comes in between is claimed', async () => {
    const { consume } = bench()
    const troubles: string[] = []
    const consumer = await consume({ queues: ['a'], onTrouble: ({ message }) => troubles.push(message) })
    const found: string[] = []
    let isOver = false
    const listening = (async () => {
      while (!isOver) found.push(...raws(await consumer.wait(1)))
    })()
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await Promise.all([send('a', `${turn}`), consumer.serve(turn % 2 === 0 ? ['a', 'b'] : ['a'], [])])
    }
    await until(() => found.length === 20)
    isOver = true
    consumer.interrupt()
    await listening
    expect(found).toEqual(Array.from({ length: 20 }, (_, turn) => `${turn}`))
    expect(troubles).toEqual([])
  })

  test('of a queue that is left nothing is claimed, and what is held of it can be ended', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a', 'b'] })
    await send('a', 'held')
    const held = await claimOne(consumer)
    await consumer.serve(['b'], [])
    await send('a', 'left')
    await send('b', 'taken')
    expect(raws(await claim(consumer, 5))).toEqual(['taken'])
    expect(await complete(consumer, end(held))).toMatchObject({ refused: [] })
    expect(await broker.length('a')).toBe(1)
    await consumer.serve(['b', 'a'], [])
    expect(raws(await claim(consumer, 5))).toEqual(['left'])
  })

  test('what is held of a queue that was added and left goes back there with the consumer', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    await consumer.serve(['b'], [])
    await send('b', 'held')
    await claimOne(consumer)
    await consumer.serve(['a'], [])
    await consumer.close()
    await until(async () => (await broker.length('b')) === 1)
    const [next] = await claim(await consume({ queues: ['b'] }), 5)
    expect(next).toMatchObject({ queue: 'b', redelivered: true, attempts: 0 })
  })

  test('who has lost the lease comes back to the new queues', async () => {
    const { consume, lapse } = bench()
    const consumer = await consume({ queues: ['a'] })
    await lapse(consumer)
    await consumer.serve(['b', 'a'], [])
    await send('b', 'one')
    const held = await claimOne(consumer)
    expect(held.queue).toBe('b')
    expect(await complete(consumer, end(held))).toMatchObject({ refused: [] })
  })

  test('no queue at all', async () => {
    const { consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    await consumer.serve([], [])
    await send('a', 'one')
    expect(await claim(consumer, 5)).toEqual([])
    await consumer.serve(['a'], [])
    expect(raws(await claim(consumer, 5))).toEqual(['one'])
  })

  test('a topic is bound', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    await consumer.serve(
      ['a', 'b'],
      [{ queue: 'b', exchange: 'news', exchangeType: 'topic', routingKey: 'sport.#' }],
    )
    expect(await broker.route('news', 'sport.chess')).toEqual(['b'])
  })

  test('an eta of a queue that is added is kept', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a'] })
    await broker.publish({ pushes: [push('later', { queue: 'b', dueMs: broker.now() + 100 })], chords: [] })
    await consumer.serve(['a', 'b'], [])
    const found = await until(async () => {
      const some = await claim(consumer, 1)
      return some.length > 0 && some
    })
    expect(raws(found as never)).toEqual(['later'])
  })
})
