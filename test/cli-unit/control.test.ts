// inspect, control and status: what is asked of the nodes, and how their answers are printed.
import { beforeEach, describe, expect, it } from 'vitest'
import { settings, stubApp } from './fixtures/stub.js'
import { lovage } from './terminal.js'

const fixture = 'test/cli-unit/fixtures/lent-control.ts'
const app = stubApp(settings)
const { asked } = app
const run = (line: string) => {
  ;(globalThis as { lentToControl?: unknown }).lentToControl = app
  return lovage(['-A', fixture, ...line.split(' ')])
}
beforeEach(() => app.reset())

describe('a command line becomes a command', () => {
  it.each([
    ['inspect query_task A B', 'query_task', { ids: ['A', 'B'] }],
    ['inspect registered rate_limit', 'registered', { taskinfoitems: ['rate_limit'] }],
    ['inspect registered', 'registered', { taskinfoitems: [] }],
    ['inspect conf yes', 'conf', { with_defaults: true }],
    ['inspect conf', 'conf', { with_defaults: false }],
    ['inspect memdump 5', 'memdump', { samples: 5 }],
    ['inspect objgraph Request 200 10', 'objgraph', { type: 'Request', num: 200, max_depth: 10 }],
    ['control rate_limit proj.add 10/m', 'rate_limit', { task_name: 'proj.add', rate_limit: '10/m' }],
    ['control time_limit proj.add 10 20', 'time_limit', { task_name: 'proj.add', soft: 10, hard: 20 }],
    ['control autoscale 4 2', 'autoscale', { max: 4, min: 2 }],
    ['control terminate KILL A B', 'terminate', { signal: 'KILL', task_id: ['A', 'B'] }],
    ['control revoke A', 'revoke', { task_id: ['A'] }],
    ['control revoke_by_stamped_headers k=v', 'revoke_by_stamped_headers', { headers: ['k=v'] }],
    ['control add_consumer extra', 'add_consumer', { queue: 'extra' }],
    ['control pool_grow', 'pool_grow', {}],
    ['status', 'ping', {}],
  ])('%s', async (line, method, args) => {
    asked.answers = [{ 'w@host': { ok: 'done' } }]
    expect((await run(line)).code).toBe(0)
    expect(asked.told).toEqual([{ method, args, options: { reply: true, timeout: 1 } }])
  })

  it('with nodes and a time', async () => {
    asked.answers = [{ 'w@host': null }]
    await run('inspect -d a@x,b@y -t 2.5 ping')
    expect(asked.told[0]!.options).toEqual({ reply: true, timeout: 2.5, destination: ['a@x', 'b@y'] })
    expect(asked.closed).toBe(1)
  })
})

describe('answers are printed as Celery prints them', () => {
  it.each([
    ['inspect ping', { ok: 'pong' }, '->  w@host: OK\n        pong\n\n1 node online.'],
    ['inspect active', [], '->  w@host: OK\n    - empty -\n\n1 node online.'],
    ['inspect revoked', ['a', 'b'], '->  w@host: OK\n    * a\n    * b\n\n1 node online.'],
    [
      'inspect clock',
      { z: 1, a: 2 },
      '->  w@host: OK\n    {\n        "a": 2,\n        "z": 1\n    }\n\n1 node online.',
    ],
    ['inspect memsample', '54.052MB', '->  w@host: OK\n    54.052MB\n\n1 node online.'],
    ['control heartbeat', null, '->  w@host: OK\n    None'],
    ['control pool_restart', { error: 'no' }, '->  w@host: ERROR\n        no'],
    ['-q inspect -j ping', { ok: 'pong' }, '{"w@host":{"ok":"pong"}}'],
    ['control -j pool_grow', { ok: 'yes' }, '[{"w@host":{"ok":"yes"}}]'],
    ['status', { ok: 'pong' }, '->  w@host: OK\n\n1 node online.'],
  ])('%s', async (line, payload, printed) => {
    asked.answers = [{ 'w@host': payload }]
    const { out, code, err } = await run(line)
    expect({ out, code, err }).toEqual({ out: printed, code: 0, err: '' })
  })

  it('and silence is 69', async () => {
    const { code, err } = await run('inspect ping')
    expect({ code, err }).toEqual({ code: 69, err: 'Error: No nodes replied within time constraint' })
    expect((await run('status')).code).toBe(69)
  })

  it('--list tells what there is', async () => {
    expect((await run('control --list')).out).toMatch(
      /^add_consumer <queue> \[exchange \[type \[key\]\]\] .*\n/,
    )
  })
})
