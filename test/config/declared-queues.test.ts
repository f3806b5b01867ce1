// A queue that is declared with an exchange and a routing key is found by them, without asking the broker.
import { describe, expect, it } from 'vitest'
import { readSettings, type SettingsInput } from '../../src/config.js'
import type { Outgoing } from '../../src/runtime/plan.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'

const route = (settings: SettingsInput, options: { exchange?: string; routingKey?: string }) => {
  const router = new Router(readSettings(settings, {}), new Registry())
  const embed = { callbacks: null, errbacks: null, chain: null, chord: null }
  const message = { task: 'proj.add', args: [], kwargs: {}, embed, ...options } as unknown as Outgoing
  const { address, queue } = router.route(message, 0)
  return { exchange: address.exchange, routingKey: address.routingKey, queue }
}

describe('a call with an exchange and a routing key', () => {
  const taskQueues = { media: { exchange: 'files', routing_key: 'video' }, io: {} }

  it('goes to the queue that is declared with them', () => {
    expect(route({ taskQueues }, { exchange: 'files', routingKey: 'video' })).toEqual({
      exchange: 'files',
      routingKey: 'video',
      queue: 'media',
    })
    const settings = { taskDefaultExchange: 'x', taskDefaultRoutingKey: 'k' }
    expect(route(settings, { exchange: 'x', routingKey: 'k' }).queue).toBe('celery')
  })

  it('is left to the broker where none is', () => {
    expect(route({ taskQueues }, { exchange: 'files', routingKey: 'audio' }).queue).toBeUndefined()
  })

  it('is anonymous where one of the two is missing', () => {
    expect(route({ taskQueues }, { exchange: 'files' })).toEqual({
      exchange: '',
      routingKey: 'celery',
      queue: 'celery',
    })
  })
})
