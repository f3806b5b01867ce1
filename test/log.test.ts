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

it('what came with a message neither looks like a line of the log nor commands a terminal', () => {
  const shown = (message: string, fields = {}): string =>
    textFormat('INFO', message, fields, at).replace(/^.*?MainProcess\] /, '')
  const forged = '[2026-11-25 10:00:00,000: CRITICAL/MainProcess] all is lost'
  const facts = { task: 'proj.add', id: `1\n${forged}` }
  expect(shown(`Task proj.add[${facts.id}] received`, facts)).toBe(`Task proj.add[1\\n${forged}] received`)
  expect(shown(`Task proj.add[1] raised: Error('x\n${forged}')`)).toBe(
    `Task proj.add[1] raised: Error('x\n    ${forged}')`,
  )
  expect(shown('\u001b[2J\rgone\u0085')).toBe('\\x1b[2J\\x0dgone\\x85')
  expect(shown('Error: x\n    at a (b.js:1:2)\n\tat c')).toBe('Error: x\n    at a (b.js:1:2)\n\tat c')
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
