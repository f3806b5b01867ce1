// What a worker remembers as revoked.
import { expect, it } from 'vitest'
import { Revoked } from '../../src/runtime/revoked.js'

const message = (id: string, user: string) => ({ id, stampedHeaders: ['user'], stamps: { user } })

it('is the newest of what was revoked, ids and stamps: who revokes for ever fills no memory', () => {
  const revoked = new Revoked(2)
  expect(revoked.isEmpty).toBe(true)
  revoked.add(
    ['a', 'b', 'c'],
    ['x', 'y', 'z'].map((user) => ['user', JSON.stringify(user)] as const),
  )
  const has = (id: string, user: string): boolean => revoked.has(message(id, user))
  expect(['a', 'b', 'c'].map((id) => has(id, 'none'))).toEqual([false, true, true])
  expect(['x', 'y', 'z'].map((user) => has('none', user))).toEqual([false, true, true])
  revoked.add(['d'], [])
  expect(revoked.ids).toEqual(['c', 'd'])
})
