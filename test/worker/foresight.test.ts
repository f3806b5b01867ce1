// What a worker sends is read while it is on its way, and used when it is what comes next: byte for byte, and once.
import { describe, expect, it, vi } from 'vitest'
import type { Completion } from '../../src/runtime/consumer.js'
import { decodeMessage } from '../../src/runtime/message.js'
import { Foresight } from '../../src/runtime/worker/foresight.js'

const raw = (id: string): string =>
  JSON.stringify({
    body: Buffer.from('[[[1]], {}, {}]').toString('base64'),
    'content-type': 'application/json',
    'content-encoding': 'utf-8',
    headers: { id, task: 'add' },
    properties: { body_encoding: 'base64' },
  })

const end = (...pushes: Completion['pushes']): Completion => ({
  tag: '1',
  ending: { kind: 'ack' },
  results: [],
  pushes,
  chords: [],
  parts: [],
})
const push = (id: string) => ({ queue: 'celery', priority: 0, raw: raw(id) })

const bench = () => {
  const decode = vi.fn((bytes: Buffer) => decodeMessage(bytes))
  return { decode, foresight: new Foresight(decode) }
}

describe('a message that was sent a moment ago', () => {
  it('was read by the time it comes', () => {
    const { decode, foresight } = bench()
    foresight.look([end(push('a'))])
    expect(decode).toHaveBeenCalledTimes(1)
    expect(foresight.read(Buffer.from(raw('a')))).toMatchObject({ right: { id: 'a', args: [[1]] } })
    expect(decode).toHaveBeenCalledTimes(1)
  })

  it('is read anew when it comes again, since its run may have changed its arguments', () => {
    const { foresight } = bench()
    foresight.look([end(push('a'))])
    const first = foresight.read(Buffer.from(raw('a')))
    const list = 'right' in first ? (first.right.args[0] as number[]) : []
    list.push(2)
    expect(foresight.read(Buffer.from(raw('a')))).toMatchObject({ right: { args: [[1]] } })
  })

  it('is not taken for another one that comes instead', () => {
    const { foresight } = bench()
    foresight.look([end(push('a'))])
    expect(foresight.read(Buffer.from(raw('b')))).toMatchObject({ right: { id: 'b' } })
    expect(foresight.read(Buffer.from(raw('a')))).toMatchObject({ right: { id: 'a' } })
  })
})

it('does not read what will not come next, or not alone', () => {
  const { decode, foresight } = bench()
  foresight.look([end()])
  foresight.look([end(push('a')), end()])
  foresight.look([end(push('a'), push('b'))])
  foresight.look([end({ ...push('a'), dueMs: 1 })])
  foresight.look([end({ ...push('a'), queue: '', fanout: { exchange: 'x', routingKey: '' } })])
  expect(decode).not.toHaveBeenCalled()
})
