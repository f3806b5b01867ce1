// The parts of memory:// that no other engine has: its URL, and what keeps the process alive.
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/log.js'
import { openMemory } from '../../src/memory/carrier.js'
import { consumerOptions } from '../support/consumer-options.js'

const open = (brokerUrl: string, backendUrl = brokerUrl, prefix = '') =>
  openMemory({
    brokerUrl,
    backendUrl,
    globalKeyPrefix: prefix,
    resultKeyPrefix: '',
    timeout: 1,
    log: silentLogger,
  })

const push = (raw: string) => ({ pushes: [{ queue: 'q', priority: 0, raw }], chords: [] })

test('two apps that give the same name meet in the same queues', async () => {
  await open('memory://shared').broker.publish(push('x'))
  expect(await open('memory://shared').broker.length('q')).toBe(1)
  expect(await open('memory://shared//').broker.length('q')).toBe(1)
})

test('another name or another prefix is another place', async () => {
  await open('memory://mine').broker.publish(push('x'))
  expect(await open('memory://other').broker.length('q')).toBe(0)
  expect(await open('memory://mine', 'memory://mine', 'app1:').broker.length('q')).toBe(0)
})

test('a URL that is no name, or results elsewhere, is refused with a sentence', () => {
  expect(() => open('memory://a/b')).toThrow(
    'Expected a URL like memory:// or memory://name, got memory://a/b.',
  )
  expect(() => open('memory://', 'redis://user:secret@localhost/')).toThrow(
    'The broker is memory://, so results lie there too: leave the result backend out, or make it memory:// (it is redis://user:**@localhost/).',
  )
})

test('a closed broker refuses to publish', async () => {
  const { broker } = open('memory://closed')
  await broker.close()
  await expect(broker.publish(push('x'))).rejects.toThrow('The broker memory://closed is closed')
})

describe('the process stays alive', () => {
  /** What keeps it alive now: a timer for each room that is in use. */
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const consumer = consumerOptions({ leaseMs: 1000 })

  test('not because something was published or read', async () => {
    const { broker, backend } = open('memory://idle')
    const before = timers()
    await broker.publish({
      pushes: [{ queue: 'q', priority: 0, raw: 'x', dueMs: Date.now() + 99_999 }],
      chords: [],
    })
    await backend.read(['a'])
    expect(timers()).toBe(before)
  })

  test('while a consumer is open', async () => {
    const { broker } = open('memory://busy')
    const before = timers()
    const opened = await broker.consume(consumer)
    expect(timers()).toBe(before + 1)
    await opened.close()
    expect(timers()).toBe(before)
  })

  test('while somebody waits for work or for a result', async () => {
    const { broker, backend } = open('memory://waiting')
    const before = timers()
    const stop = backend.watch('a', () => undefined)
    expect(timers()).toBe(before + 1)
    stop()
    stop()
    expect(timers()).toBe(before)
    const one = await broker.consume(consumer)
    const waiting = one.wait(1)
    await broker.close()
    expect(await waiting).toEqual([])
    expect(timers()).toBe(before)
  })

  test('closing the backend ends its watches, and only its own', async () => {
    const [one, two] = [open('memory://watching').backend, open('memory://watching').backend]
    const before = timers()
    one.watch('a', () => undefined)
    const stop = two.watch('a', () => undefined)
    await one.close()
    expect(timers()).toBe(before + 1)
    stop()
    expect(timers()).toBe(before)
  })
})
