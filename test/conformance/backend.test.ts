// Results: read, watched, forgotten.
import { expect, test } from 'vitest'
import type { Backend } from '../../src/runtime/backend.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claimOne, complete, end, messages, result, success } from './words.js'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What a watch heard. A text may come twice in a row. */
const hear = (backend: Backend, taskId: string) => {
  const texts: string[] = []
  const stop = backend.watch(taskId, (text) => {
    if (texts.at(-1) !== text) texts.push(text)
  })
  return { texts, stop }
}

onEveryEngine('results', (bench) => {
  /** Runs one task that passes through these states and succeeds. */
  const run = async (taskId: string, states: readonly string[]) => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages(taskId))
    const delivery = await claimOne(consumer)
    for (const state of states) expect(await consumer.store(delivery.tag, result(taskId, state))).toBe(true)
    await complete(consumer, end(delivery, { results: [success(taskId)] }))
  }

  test('texts come in the order of the ids; null where nothing is stored', async () => {
    await run('a', [])
    await run('b', [])
    const { backend } = bench()
    expect(await backend.read(['b', 'x', 'a', 'b'])).toEqual([
      success('b').text,
      null,
      success('a').text,
      success('b').text,
    ])
    expect(await backend.read([])).toEqual([])
  })

  test('a watch that was expected hears what was stored before it and since', async () => {
    const { backend } = bench()
    const end = backend.expect('a')
    await run('a', ['STARTED'])
    await until(async () => (await backend.read(['a']))[0] === success('a').text)
    const { texts, stop } = hear(backend, 'a')
    await until(() => texts.at(-1) === success('a').text)
    stop()
    end()
  })

  test('what is expected keeps nobody from expecting it again, or from never watching it', async () => {
    const { backend } = bench()
    const ends = [backend.expect('a'), backend.expect('a'), backend.expect('b')]
    for (const end of ends) end()
    const { texts, stop } = hear(backend, 'a')
    await run('a', [])
    await until(() => texts.at(-1) === success('a').text)
    stop()
  })

  test('the shape of a group is kept as long as it is told, and forgotten with its members', async () => {
    const { backend } = bench()
    expect(await backend.readGroup('g')).toBeNull()
    await backend.saveGroup('g', '{"result": 1}', 60)
    await backend.saveGroup('g', '{"result": 2}', 0)
    await backend.saveGroup('brief', '{"result": 3}', 1)
    expect([await backend.readGroup('g'), await backend.readGroup('brief')]).toEqual([
      '{"result": 2}',
      '{"result": 3}',
    ])
    await until(async () => (await backend.readGroup('brief')) === null)
    await run('a', [])
    await backend.forget(['a'], ['g'])
    expect([await backend.readGroup('g'), await backend.read(['a'])]).toEqual([null, [null]])
  })

  test('ten thousand are read in one call', async () => {
    await run('a', [])
    const ids = Array.from({ length: 10_000 }, (_, i) => (i === 9999 ? 'a' : `x${i}`))
    const texts = await bench().backend.read(ids)
    expect(texts).toHaveLength(10_000)
    expect(texts[9999]).toBe(success('a').text)
    expect(texts[0]).toBeNull()
  })

  test('a watch hears every state and the last one', async () => {
    const { texts, stop } = hear(bench().backend, 'a')
    // From the first text on it listens.
    const first = result('a', 'RECEIVED')
    await bench().broker.publish(messages('a'))
    const consumer = await bench().consume()
    await consumer.store((await claimOne(consumer)).tag, first)
    await until(() => texts.length > 0)
    await run('a', ['STARTED', 'PROGRESS'])
    await until(() => texts.at(-1) === success('a').text)
    const states = [result('a', 'STARTED'), result('a', 'PROGRESS'), success('a')]
    expect(texts.filter((text) => text !== first.text)).toEqual(states.map(({ text }) => text))
    stop()
  })

  test('a watch hears what is stored already, but never before it has returned', async () => {
    await run('a', [])
    const { texts, stop } = hear(bench().backend, 'a')
    expect(texts).toEqual([])
    await until(() => texts.length > 0)
    expect(texts).toEqual([success('a').text])
    stop()
  })

  test('each watch of one task hears, and a stopped one does not', async () => {
    const { backend } = bench()
    const [one, two, three] = [hear(backend, 'a'), hear(backend, 'a'), hear(backend, 'b')]
    two.stop()
    two.stop()
    await sleep(100)
    await run('a', [])
    await until(() => one.texts.length > 0)
    expect(one.texts).toEqual([success('a').text])
    expect(two.texts).toEqual([])
    expect(three.texts).toEqual([])
    one.stop()
    three.stop()
  })

  test('a watch survives broken connections', async () => {
    const { backend, cut } = bench()
    const { texts, stop } = hear(backend, 'a')
    await sleep(100)
    await cut()
    await run('a', [])
    await until(() => texts.at(-1) === success('a').text)
    stop()
  })

  test('a thousand watches', async () => {
    const { backend } = bench()
    const all = Array.from({ length: 1000 }, (_, i) => hear(backend, `t${i}`))
    await run('t7', [])
    await run('t999', [])
    await until(() => all[7]?.texts.length && all[999]?.texts.length)
    expect(all.flatMap(({ texts }) => texts)).toHaveLength(2)
    for (const { stop } of all) stop()
  })

  test('forgotten is gone', async () => {
    await run('a', [])
    await run('b', [])
    const { backend } = bench()
    await backend.forget(['a', 'never stored'])
    await backend.forget([])
    expect(await backend.read(['a', 'b'])).toEqual([null, success('b').text])
  })

  test('a result ends after its time; 0 keeps it', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const results = [
      { ...success('a'), expires: 2 },
      { ...success('b'), expires: 0 },
    ]
    await complete(consumer, end(await claimOne(consumer), { fence: 'a:0:0:', results }))
    expect(await backend.read(['a', 'b'])).toEqual(results.map(({ text }) => text))
    await until(async () => (await backend.read(['a']))[0] === null)
    expect(await backend.read(['a', 'b'])).toEqual([null, success('b').text])
  })

  test('a passing state never replaces a SUCCESS', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await run('a', [])
    await broker.publish(messages('a'))
    const twin = await claimOne(consumer)
    await consumer.store(twin.tag, result('a', 'STARTED'))
    expect(await backend.read(['a'])).toEqual([success('a').text])
  })
})
