// The child's side of a pool: what it says, and when.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { FromChild, Line, ToChild } from '../../src/pools/children/messages.js'
import { type ChildHandler, serve } from '../../src/pools/children/serve.js'

const tick = () => vi.advanceTimersByTimeAsync(0)

/** A child whose other end is the test. */
const open = (handler: Partial<ChildHandler> = {}) => {
  const said: FromChild[] = []
  let hear: (frame: readonly ToChild[]) => void = () => undefined
  const line: Line = {
    send: (frame) => void said.push(...frame),
    onFrame: (listener) => {
      hear = listener
    },
    onClose: () => undefined,
    end: () => undefined,
  }
  serve(line, {
    load: () => Promise.resolve('facts'),
    leave: () => Promise.resolve(),
    run: () => Promise.resolve('outcome'),
    ...handler,
  })
  return { said, tell: (message: ToChild) => hear([message]), names: () => said.map(([name]) => name) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('is too large only when it has run something: who took its place would be as large', async () => {
  const { tell, names, said } = open()
  tell(['load', null, { maxMemory: 1 }])
  await vi.advanceTimersByTimeAsync(5000)
  expect(names()).toEqual(['ready'])
  tell(['run', 1, 'id', 't', null, null])
  await tick()
  // Before its end, so that nobody gives it another one.
  expect(names()).toEqual(['ready', 'full', 'ended'])
  expect(said[1]?.[1]).toBeGreaterThan(1)
})

it('is too large while it runs, and says so once', async () => {
  let end: (outcome: string) => void = () => undefined
  const { tell, names } = open({ run: () => new Promise<string>((resolve) => (end = resolve)) })
  tell(['load', null, { maxMemory: 1 }])
  tell(['run', 1, 'id', 't', null, null])
  await vi.advanceTimersByTimeAsync(3000)
  expect(names()).toEqual(['ready', 'full'])
  end('outcome')
  await tick()
  expect(names()).toEqual(['ready', 'full', 'ended'])
})

it('without a limit looks at nothing', async () => {
  const { tell, names } = open()
  tell(['load', null, { maxMemory: null }])
  tell(['run', 1, 'id', 't', null, null])
  await vi.advanceTimersByTimeAsync(3000)
  expect(names()).toEqual(['ready', 'ended'])
})
