// Changing one member of a JSON text while every other byte stays.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsOf, membersOf, placeOf, valueAt, withMember } from '../../src/redis/json-text.js'
import { readEntry } from '../../src/redis/peers.js'
import { markRedelivered, pastOf } from '../../src/redis/shared.js'

const spaced = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'))
  .map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent))

describe('places', () => {
  it('are those of the values, whatever stands in strings', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), spaced), (object) => {
        const text = `{${Object.entries(object)
          .map(([key, value]) => `${JSON.stringify(key)} : ${value} `)
          .join(', ')}}`
        const read = membersOf(text, 0).map(({ key, from, to }) => [key, text.slice(from, to)])
        expect(read).toEqual(Object.entries(object))
      }),
    )
    fc.assert(
      fc.property(fc.array(spaced), (values) => {
        const text = ` [ ${values.join(' , ')} ]`
        expect(elementsOf(text, 0).map(({ from, to }) => text.slice(from, to))).toEqual(values)
      }),
    )
  })

  it('are none where there is something else', () => {
    expect(membersOf('[1]', 0)).toEqual([])
    expect(elementsOf('{"a": 1}', 0)).toEqual([])
    expect(placeOf('{"a": 1}', ['a', 'b'])).toBeUndefined()
    expect(placeOf('{"a": 1}', ['b', 'c'])).toBeUndefined()
  })
})

describe('withMember', () => {
  it('sets one member and leaves the rest', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.jsonValue(),
        (object, key, value) => {
          const text = JSON.stringify({ at: object, other: [key] })
          const changed = withMember(text, ['at'], key, JSON.stringify(value))
          const expected = new Map([...Object.entries(object), [key, value] as const])
          const members = membersOf(changed, placeOf(changed, ['at'])!.from)
          const read = members.map((member) => [
            member.key,
            JSON.parse(changed.slice(member.from, member.to)),
          ])
          expect(new Map(read as [string, unknown][])).toEqual(
            new Map([...expected].map(([k, v]) => [k, JSON.parse(JSON.stringify(v))])),
          )
          expect(JSON.parse(changed).other).toEqual([key])
        },
      ),
    )
  })

  it('changes the last of two equal keys, the one that counts', () => {
    expect(withMember('{"a": {"x": 1, "x": 2}}', ['a'], 'x', '3')).toBe('{"a": {"x": 1, "x": 3}}')
  })

  it('leaves a text alone that has no such object', () => {
    expect(withMember('{"a": null}', ['a'], 'x', '3')).toBe('{"a": null}')
    expect(withMember('{}', ['a'], 'x', '3')).toBe('{}')
    expect(withMember('{"a": {}}', ['a'], 'x', '3')).toBe('{"a": {"x": 3}}')
  })
})

describe('a text that is none of JSON, or very long', () => {
  it('is read as far as it goes', () => {
    expect(valueAt('{"a": {"b": [1, "x"]}}', ['a', 'b'])).toEqual([1, 'x'])
    for (const text of ['{"a": 01}', '{"a": +1}', '{"a": ', '{"a', '{"a\\', '{"\\q": 1}', 'nothing'])
      expect(valueAt(text, ['a'])).toBeUndefined()
  })

  it('may have a string of any length', () => {
    const long = `"${'a\\"\\\\'.repeat(3_000_000)}"`
    const text = `{"body": ${long}, "headers": {"id": "x"}}`
    expect(valueAt(text, ['headers', 'id'])).toBe('x')
    expect(withMember(text, ['headers'], 'y', '1')).toBe(`{"body": ${long}, "headers": {"y": 1, "id": "x"}}`)
    expect(readEntry(Buffer.from(`[${text}, "", "q", 1]`))).toBeNull()
    expect(readEntry(Buffer.from(`[${text}, "", "q"]`))?.raw).toBe(text)
    expect(readEntry(Buffer.from('[{"NaN": NaN, "x": [-Infinity, "NaN\\"NaN"]}, "", "q"]'))?.raw).toBe(
      '{"NaN": NaN, "x": [-Infinity, "NaN\\"NaN"]}',
    )
  })
})

describe('a redelivered message', () => {
  const raw = '{"headers": {"id": "a", "n": 123456789012345678901}, "properties": {"delivery_info": {}}}'

  it('says so where Celery says it, and keeps the rest byte for byte', () => {
    expect(markRedelivered(raw)).toBe(
      '{"headers": {"redelivered": true, "id": "a", "n": 123456789012345678901}, "properties": {"delivery_info": {"redelivered": true}}}',
    )
    expect(markRedelivered(markRedelivered(raw))).toBe(markRedelivered(raw))
  })

  it('says what its past was, whatever the worker is called', () => {
    const past = { attempts: 3, flag: 'm' as const, worker: 'w "x"\\ü@host' }
    expect(pastOf(markRedelivered(raw, past))).toEqual(past)
    expect(pastOf(markRedelivered(markRedelivered(raw, past), { ...past, attempts: 4 }))).toEqual({
      ...past,
      attempts: 4,
    })
  })

  it('has an unknown past if Python gave it back, and none if nobody did', () => {
    expect(pastOf(markRedelivered(raw))).toEqual({ attempts: 0, flag: 'm', worker: '-' })
    expect(pastOf(raw)).toBeNull()
    expect(pastOf('{"headers": {"redelivered": false}}')).toBeNull()
    expect(pastOf('{"headers": {"redelivered": 01}}')).toBeNull()
    const twoLines = '{"properties": {"delivery_info": {"redelivered": true, "lovage_past": "3 - a\\nb"}}}'
    expect(pastOf(twoLines)).toEqual({ attempts: 0, flag: 'm', worker: '-' })
  })
})
