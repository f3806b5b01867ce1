// Patterns of remote control that would stop a worker for years.
import { describe, expect, it } from 'vitest'
import { concerns } from '../../../src/runtime/control/pidbox.js'

const node = 'worker-of-a-team-with-a-long-name@host-12345678901234567890'

describe('a pattern from afar', () => {
  it('is compared with the name of a node', () => {
    expect(concerns({ matcher: 'pcre', pattern: 'worker.*@' }, node)).toBe(true)
    expect(concerns({ matcher: 'glob', pattern: 'worker*[0-9]' }, node)).toBe(true)
    expect(concerns({ matcher: 'glob', pattern: 'other*' }, node)).toBe(false)
    expect(() => concerns({ matcher: 'pcre', pattern: '(' }, node)).toThrow(SyntaxError)
  })

  it.each([
    ['pcre', '(.+)+!'],
    ['glob', `${'*?'.repeat(20)}!`],
  ] as const)('that would take years is given up: %s %s', (matcher, pattern) => {
    expect(() => concerns({ matcher, pattern }, node)).toThrow(/not compared with the name .* within 100 ms/)
  })
})
