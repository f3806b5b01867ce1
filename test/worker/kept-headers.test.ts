// A header's shape is kept for graph(): no chord waits long for a results' server that is away.
import { expect, it } from 'vitest'
import { createLogger } from '../../src/log.js'
import { KeptHeaders } from '../../src/runtime/worker/kept-headers.js'

const bench = () => {
  const asked: { groupId: string; resolve: () => void; reject: (error: Error) => void }[] = []
  const said: string[] = []
  const saveGroup = (groupId: string) =>
    new Promise<void>((resolve, reject) => asked.push({ groupId, resolve, reject }))
  const log = createLogger({ level: 'WARNING', write: (line) => void said.push(line) })
  return { asked, said, headers: new KeptHeaders(async () => ({ saveGroup }), log, 20) }
}

it('is kept before its body is sent, where the server answers', async () => {
  const { asked, headers } = bench()
  let kept = false
  const keeping = headers.keep('a', '{}', 60).then(() => (kept = true))
  await Promise.resolve()
  await Promise.resolve()
  expect([asked.length, kept]).toEqual([1, false])
  asked[0]?.resolve()
  await keeping
})

it('is waited for once where the server is away, and not again before it has answered', async () => {
  const { asked, headers } = bench()
  await headers.keep('a', '{}', 60)
  const second = headers.keep('b', '{}', 60)
  await second
  expect(asked.map(({ groupId }) => groupId)).toEqual(['a', 'b'])
  asked[1]?.resolve()
  await new Promise(setImmediate)
  let kept = false
  const third = headers.keep('c', '{}', 60).then(() => (kept = true))
  await Promise.resolve()
  await Promise.resolve()
  expect(kept).toBe(false)
  asked[2]?.resolve()
  await third
})

it('that cannot be kept is told in the log, and the chord goes on', async () => {
  const { asked, said, headers } = bench()
  const keeping = headers.keep('a', '{}', 60)
  await new Promise(setImmediate)
  asked[0]?.reject(new Error('down'))
  await keeping
  expect(said.join('\n')).toContain('header a could not be kept for graph(): Error: down')
})
