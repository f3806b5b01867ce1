// Lines of `lovage events --dump`, as Celery 5.6.3 printed these events (test/interop/events.test.ts holds the two
// against each other).
import { expect, it } from 'vitest'
import { lineMaker } from '../../src/monitor/event-line.js'
import type { OwnEvent } from '../../src/runtime/events.js'

const common = { hostname: 'w@host', timestamp: 1_795_210_185.8072023 }
const at = '[2026-11-20 21:29:45.807202+00:00]'

it('a worker’s life has words of its own', () => {
  const line = lineMaker()
  expect(line({ ...common, type: 'worker-online', freq: 2.5, loadavg: [1.67, 0.86], sw_ver: '5.6.3' })).toBe(
    `w@host ${at} started: freq=2.5, loadavg=[1.67, 0.86], sw_ver=5.6.3`,
  )
  expect(line({ ...common, type: 'worker-offline' })).toBe(`w@host ${at} shutdown `)
  expect(line({ ...common, type: 'worker-elect-ack', id: 'x' })).toBe(`w@host ${at} worker elect ack: id=x`)
})

it('a task keeps its name and arguments', () => {
  const line = lineMaker()
  const task = { ...common, uuid: 'id' }
  const received: OwnEvent = {
    ...task,
    type: 'task-received',
    name: 't.add',
    args: '(2, 3)',
    kwargs: '{}',
    eta: null,
  }
  expect(line(received)).toBe(`w@host ${at} task received: t.add(id) args=(2, 3) kwargs={} eta=None`)
  expect(line({ ...task, type: 'task-started' })).toBe(
    `w@host ${at} task started t.add(id) args=(2, 3) kwargs={} `,
  )
  expect(line({ ...task, type: 'task-revoked', terminated: true, expired: false })).toBe(
    `w@host ${at} task revoked: t.add(id) args=(2, 3) kwargs={} expired=False, terminated=True`,
  )
  expect(line({ ...task, uuid: 'unknown', type: 'task-started' })).toBe(`w@host ${at} task started  `)
})

it('values look as in Python', () => {
  const line = lineMaker()
  const more = { a: { k: ["it's", null] }, b: 'text', c: new Date(0), d: 9.6e-5, e: 0.0001 }
  expect(line({ ...common, timestamp: 1, type: 'group-own', ...more })).toBe(
    `w@host [1970-01-01 00:00:01+00:00] group own: a={'k': ['it\\'s', None]}, b=text, c="1970-01-01T00:00:00.000Z", d=9.6e-05, e=0.0001`,
  )
})

it('a moment is rounded as Python rounds it', () => {
  const line = lineMaker()
  const of = (timestamp: number) => line({ ...common, timestamp, type: 'worker-offline' }).slice(8, 34)
  expect(of(1795361034.1739244)).toBe('2026-11-22 15:23:54.173924')
  expect(of(1_795_210_185.9999998)).toBe('2026-11-20 21:29:46+00:00]')
})
