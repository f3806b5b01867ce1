// Whose message it is that is too large to be read.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { glimpse } from '../../src/runtime/glimpse.js'

const seen = (text: string) => glimpse(Buffer.from(text))

describe('the headers of an envelope', () => {
  it('are found wherever they stand, and nothing else is taken for them', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('"headers": {"id": "x"}', '\\', '\\"', '{', ']', 'id'))
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(null, true, 0, -1.5e9),
        text,
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(text, fc.constantFrom('id', 'task', 'headers')), tie('any'), { maxKeys: 4 }),
      ),
    })).any
    const headers = fc.dictionary(fc.oneof(text, fc.constantFrom('id', 'task')), value, { maxKeys: 4 })
    const envelope = fc.tuple(value, headers, value, fc.constantFrom(undefined, 1))
    fc.assert(
      fc.property(envelope, ([body, own, properties, indent]) => {
        const whole = { body, headers: own, properties }
        const asText = (name: string) => (typeof own[name] === 'string' ? own[name] : undefined)
        const found = seen(JSON.stringify(whole, null, indent))
        expect([found['id'], found['task']]).toEqual([asText('id'), asText('task')])
      }),
    )
  })

  it('as in all JSON the last one counts', () => {
    expect(seen('{"headers": {"id": "a", "id": "b"}, "headers": {"id": "c", "id": "\\u0064"}}')).toEqual({
      id: 'd',
    })
  })

  it('are none where the envelope has no end, or is none', () => {
    const whole = '{"body": "x", "headers": {"id": "a"}, "properties": {"n": [1]}}'
    expect(seen(whole)).toEqual({ id: 'a' })
    for (let end = 0; end < whole.length; end += 1) expect(seen(whole.slice(0, end))).toEqual({})
    for (const other of ['', '[]', '"headers"', '{"headers": 1}', '{"headers": {"id": 1}}'])
      expect(seen(other)['id']).toBeUndefined()
  })

  it('behind more than anybody would send are not looked for, and of a long id nothing is read', () => {
    const headers = '"headers": {"id": "a"}'
    expect(seen(`{"body": [${'[],'.repeat(100_000)}0], ${headers}}`)).toEqual({ id: 'a' })
    const hostile = ['[],', '"",', '" \\" \\" ",', '  ', '"\\\\\\\\",']
    for (const piece of hostile)
      expect(seen(`{"body": [${piece.repeat(5_000_000)}0], ${headers}}`)).toEqual({})
    expect(seen(`{"headers": {"id": "${'x'.repeat(2000)}"}}`)['id']).toBeUndefined()
  })
})
