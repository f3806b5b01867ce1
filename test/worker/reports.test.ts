// What becomes of a task is told when it is written, and never what came to nothing.
import { expect, it } from 'vitest'
import { NotRegistered } from '../../src/errors.js'
import type { Held } from '../../src/runtime/worker/held.js'
import { Reports } from '../../src/runtime/worker/reports.js'

const held = (tag: string, options = {}): Held =>
  ({ tag, message: { id: `id-${tag}` }, definition: { options } }) as unknown as Held
const end = (tag: string) => ({ completion: { tag } })

const bench = () => {
  const said: unknown[] = []
  const sent: unknown[] = []
  const reports = new Reports({
    say: (type, { uuid }) => void said.push(`${type} ${String(uuid)}`),
    tellSent: (routed) => void sent.push(...routed),
  })
  reports.isOn = true
  return { reports, said, sent }
}

it('an end is told when it is committed, and once', () => {
  const { reports, said } = bench()
  reports.succeeded(held('1'), 5, 1)
  reports.failed(held('2'), new Error('boom'))
  expect(said).toEqual([])
  reports.committed([end('2'), end('1')], [])
  reports.committed([end('2'), end('1')], [])
  expect(said).toEqual(['task-failed id-2', 'task-succeeded id-1'])
})

it('an end that was refused, or is somebody else’s, is not told', () => {
  const { reports, said } = bench()
  reports.succeeded(held('1'), 5, 1)
  reports.committed([end('1')], [0])
  reports.succeeded(held('2'), 5, 1)
  reports.lose()
  reports.committed([end('1'), end('2')], [])
  expect(said).toEqual([])
})

it('a success that turned out to be a failure is a failure', () => {
  const { reports, said } = bench()
  reports.succeeded(held('1'), 5, 1)
  reports.failed(held('1'), new Error('cannot travel'))
  reports.committed([end('1')], [])
  expect(said).toEqual(['task-failed id-1'])
})

it('what was sent with an end is told with it, as it was prepared last', () => {
  const { reports, sent } = bench()
  reports.sending('1')!.push('tried' as never)
  reports.sending('1')!.push('sent' as never)
  reports.committed([end('1')], [])
  expect(sent).toEqual(['sent'])
})

it('off: nothing is told, and nothing kept', () => {
  const { reports, said } = bench()
  reports.isOn = false
  reports.received(held('1'))
  reports.started(held('1'))
  reports.succeeded(held('1'), 5, 1)
  reports.isOn = true
  reports.committed([end('1')], [])
  expect(said).toEqual([])
})

it('a task with sendEvents: false is told of by nobody', () => {
  const { reports, said } = bench()
  const quiet = held('1', { sendEvents: false })
  reports.received(quiet)
  reports.started(quiet)
  reports.succeeded(quiet, 5, 1)
  reports.committed([end('1')], [])
  expect(said).toEqual([])
})

it('a task that nobody knows has no traceback', () => {
  const fields: object[] = []
  const reports = new Reports({ say: (_, more) => void fields.push(more), tellSent: undefined })
  reports.isOn = true
  reports.failed(held('1'), new NotRegistered('proj.nosuch'))
  reports.committed([end('1')], [])
  expect(fields).toEqual([{ uuid: 'id-1', exception: "NotRegistered('proj.nosuch')" }])
})

it('arguments are shown as their sender wants them to be seen', () => {
  const fields: object[] = []
  const reports = new Reports({ say: (_, more) => void fields.push(more), tellSent: undefined })
  reports.isOn = true
  const message = { id: 'x', task: 't', args: ['secret'], kwargs: { k: 1 }, argsrepr: "('***',)" }
  reports.received({ tag: '1', message } as unknown as Held)
  expect(fields).toMatchObject([{ args: "('***',)", kwargs: "{'k': 1}" }])
})
