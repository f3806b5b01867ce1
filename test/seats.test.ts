import { expect, it } from 'vitest'
import { Seats } from '../src/seats.js'

it('holds what has taken a seat and has not left it', () => {
  const seats = new Seats<string>()
  const numbers = ['a', 'b', 'c'].map((name) => seats.take(name))
  seats.leave(numbers[1] as number)
  expect(seats.size).toBe(2)
  expect([...seats].sort()).toEqual(['a', 'c'])
})

it('gives a seat that is free to the next, and grows no larger than what was there at once', () => {
  const seats = new Seats<number>()
  const used = new Set<number>()
  for (let i = 0; i < 1000; i++) {
    const own = [seats.take(i), seats.take(-i)]
    for (const seat of own) used.add(seat)
    for (const seat of own) seats.leave(seat)
  }
  expect([used.size, seats.size, [...seats]]).toEqual([2, 0, []])
})
