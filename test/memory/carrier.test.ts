// The parts of memory:// that no other engine has: its URL, and what keeps the process alive.
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/log.js'
import { openMemory } from '../../src/memory/carrier.js'

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
    'The broker is memory://, so results lie there too: leave the result backend out, or make it memory:// (it is redis://**@localhost/).',
  )
})

test('a closed broker refuses to publish', async () => {
  const { broker } = open('memory://closed')
  await broker.close()
  await expect(broker.publish(push('x'))).rejects.toThrow('The broker memory://closed is closed')
})
