// The lines of a log, as text and as JSON.
import { expect, it } from 'vitest'
import { fieldsJson, jsonFormat, textFormat } from '../src/log.js'

const at = new Date(0)

it('a line of text bears the name of its process, where it has one', () => {
  expect(textFormat('INFO', 'hello', {}, at)).toMatch(/: INFO\/MainProcess\] hello$/)
  expect(textFormat('INFO', 'hello', { processName: 'ForkPoolWorker-2' }, at)).toMatch(
    /: INFO\/ForkPoolWorker-2\] hello$/,
  )
})

it('a line of JSON is one object, with the facts behind', () => {
  expect(jsonFormat('INFO', 'a\nb', {}, at)).toBe(
    '{"time":"1970-01-01T00:00:00.000Z","level":"INFO","message":"a\\nb"}',
  )
  expect(jsonFormat('INFO', 'hello', { id: 'x' }, at)).toBe(
    '{"time":"1970-01-01T00:00:00.000Z","level":"INFO","message":"hello","id":"x"}',
  )
})

it('facts that no JSON can hold are shown as far as they can be', () => {
  const twice = { n: 1 }
  const odd: Record<string, unknown> = { big: 10n, run: () => 1, twice: [twice, twice], deep: {} }
  odd.self = odd
  odd.deep = { up: odd }
  expect(JSON.parse(fieldsJson(odd))).toEqual({
    big: '10',
    twice: [twice, twice],
    self: '[circular]',
    deep: { up: '[circular]' },
  })
  expect(JSON.parse(fieldsJson({ error: new RangeError('far') }))).toMatchObject({
    error: { name: 'RangeError', message: 'far', stack: expect.stringContaining('log.test.ts') },
  })
})

it('facts that cannot be read at all cost the line nothing but themselves', () => {
  const trap = {
    toJSON: () => {
      throw new Error('trap')
    },
  }
  expect(JSON.parse(jsonFormat('INFO', 'hello', { trap }, at))).toMatchObject({
    message: 'hello',
    fields: 'cannot be shown: Error: trap',
  })
})
