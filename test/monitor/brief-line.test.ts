// Lines of `lovage events`: short enough to be read as they pass.
import { expect, it } from 'vitest'
import type { OwnEvent } from '../../src/runtime/events.js'
import { briefMaker } from '../../src/monitor/brief-line.js'

const at = new Date(2026, 10, 25, 7, 8, 9).getTime() / 1000
const common = { hostname: 'w@host', timestamp: at, pid: 7, clock: 3, utcoffset: 0 }
const start = '07:08:09  w@host  '

it.each<[OwnEvent, string | undefined]>([
  [{ ...common, type: 'worker-heartbeat', freq: 2 }, undefined],
  [{ ...common, type: 'worker-online', sw_ident: 'lovage', sw_ver: '0.1.0' }, 'worker-online   lovage 0.1.0'],
  [{ ...common, type: 'worker-offline', sw_ident: 'lovage' }, 'worker-offline'],
  [
    { ...common, type: 'task-sent', uuid: 'id', name: 't.add', args: '(2, 3)', queue: 'q' },
    'task-sent       t.add[id]  (2, 3) → q',
  ],
  [
    { ...common, type: 'task-received', uuid: 'id', name: 't.add', args: '(2, 3)', kwargs: '{}', eta: null },
    'task-received   t.add[id]  (2, 3)',
  ],
  [
    { ...common, type: 'task-received', uuid: 'id', name: 't', args: '()', kwargs: "{'a': 1}", eta: 'soon' },
    "task-received   t[id]  () {'a': 1} eta soon",
  ],
  [{ ...common, type: 'task-started', uuid: 'unknown' }, 'task-started    ?[unknown]'],
  [
    { ...common, type: 'task-succeeded', uuid: 'a', result: '5', runtime: 0.0126 },
    'task-succeeded  ?[a]  5 in 0.013 s',
  ],
  [{ ...common, type: 'task-failed', uuid: 'a', exception: "E('x')" }, "task-failed     ?[a]  E('x')"],
  [{ ...common, type: 'task-retried', uuid: 'a', exception: "E('x')" }, "task-retried    ?[a]  E('x')"],
  [{ ...common, type: 'task-rejected', uuid: 'a', requeue: true }, 'task-rejected   ?[a]  queued again'],
  [{ ...common, type: 'task-revoked', uuid: 'a', expired: true }, 'task-revoked    ?[a]  expired'],
  [{ ...common, type: 'task-revoked', uuid: 'a', terminated: true }, 'task-revoked    ?[a]  terminated'],
  [
    { ...common, type: 'task-progress', uuid: 'a', percent: 50, note: 'x' },
    'task-progress   ?[a]  percent=50 note="x"',
  ],
])('%o', (event, line) => {
  expect(briefMaker()(event)).toBe(line && start + line)
})

it('a task keeps its name', () => {
  const line = briefMaker()
  line({ ...common, type: 'task-received', uuid: 'id', name: 't.add', args: '()', kwargs: '{}' })
  expect(line({ ...common, type: 'task-started', uuid: 'id' })).toContain('t.add[id]')
})
