// Routing keys and the patterns of topics, which anybody may have put at an exchange.
import { expect, it } from 'vitest'
import { fits, topicPattern } from '../../src/runtime/binding.js'

it.each([
  ['sport.chess', 'sport.chess', true],
  ['sport.*', 'sport.chess', true],
  ['sport.*', 'sport.', false],
  ['*.chess', 'sport.chess', true],
  ['#', 'anything.at.all', true],
  ['a.#.z', 'a.b.c.z', true],
  ['a.#.z', 'a.b.c', false],
  ['a+b.(c', 'a+b.(c', true],
  ['*.*.*.*', 'a.b.c.d', true],
  ['*.*.*.*', 'a.b.c', false],
  ['größe.*', 'größe.1', true],
])('%s takes %s: %s', (pattern, key, taken) => {
  expect(fits(topicPattern(pattern), key)).toBe(taken)
})

it('a pattern that would take years is given up with a sentence, and what is none takes nothing', () => {
  const key = `${'a'.repeat(60)}!`
  expect(() => fits('^(a+)+$', key)).toThrow(/not compared with the routing key aaa/)
  const words = Array.from({ length: 40 }, () => '#').join('.')
  expect(() => fits(topicPattern(`${words}.z`), '.'.repeat(200))).toThrow(/not compared with the routing key/)
  expect(fits('^(', key)).toBe(false)
})
