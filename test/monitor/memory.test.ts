// A memory that has an end forgets what was not told of for the longest time.
import { expect, it } from 'vitest'
import { Memory } from '../../src/monitor/memory.js'

it('keeps the latest', () => {
  const memory = new Memory<number>(2)
  memory.set('a', 1)
  memory.set('b', 2)
  memory.set('a', 3)
  memory.set('c', 4)
  expect(['a', 'b', 'c'].map((id) => memory.get(id))).toEqual([3, undefined, 4])
})
