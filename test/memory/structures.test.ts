// The two persistent structures against plain arrays.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Deque,
  dequeToArray,
  emptyDeque,
  popFront,
  pushBack,
  pushFront,
} from '../../src/memory/deque.js'
import { earliest, emptyHeap, type Heap, heapToArray, insert, popDue } from '../../src/memory/heap.js'

test('a deque is an array with two ends, and every version of it stays', () => {
  const moves = fc.array(fc.constantFrom('back', 'front', 'pop'), { maxLength: 60 })
  fc.assert(
    fc.property(moves, (all) => {
      let deque: Deque<number> = emptyDeque()
      let array: number[] = []
      const versions: [Deque<number>, number[]][] = []
      for (const [i, move] of all.entries()) {
        if (move === 'back') [deque, array] = [pushBack(deque, i), [...array, i]]
        else if (move === 'front') [deque, array] = [pushFront(deque, i), [i, ...array]]
        else {
          const next = popFront(deque)
          expect(next?.[0]).toBe(array[0])
          if (next) [deque, array] = [next[1], array.slice(1)]
        }
        versions.push([deque, array])
      }
      for (const [version, values] of versions) {
        expect(dequeToArray(version)).toEqual(values)
        expect(version.size).toBe(values.length)
      }
    }),
  )
})

test('a heap gives the earliest first, and of one moment the first that came', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), fc.nat(9), (moments, nowMs) => {
      let heap: Heap<number> = emptyHeap()
      for (const [i, atMs] of moments.entries()) heap = insert(heap, atMs, i)
      const sorted = moments
        .map((atMs, value) => ({ atMs, value }))
        .sort((a, b) => a.atMs - b.atMs || a.value - b.value)
      expect(heapToArray(heap)).toEqual(sorted)
      expect(earliest(heap)).toBe(sorted[0]?.atMs ?? null)
      const due: number[] = []
      for (let next = popDue(heap, nowMs); next !== null; next = popDue(heap, nowMs)) {
        due.push(next[0])
        heap = next[1]
      }
      expect(due).toEqual(sorted.filter(({ atMs }) => atMs <= nowMs).map(({ value }) => value))
      expect(heapToArray(heap)).toEqual(sorted.slice(due.length))
      expect(heap.size).toBe(sorted.length - due.length)
    }),
  )
})

test('a heap of a hundred thousand, sorted before or reversed, is not too deep for the stack', () => {
  for (const sign of [1, -1]) {
    let heap: Heap<number> = emptyHeap()
    for (let i = 0; i < 100_000; i += 1) heap = insert(heap, sign * i, i)
    expect(heapToArray(heap)).toHaveLength(100_000)
  }
})
