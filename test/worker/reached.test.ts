// Which errbacks of a failure are called: those that can be sent, each tried alone.
import { expect, it } from 'vitest'
import type { Node } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'
import { silentLogger } from '../../src/log.js'
import type { FollowContext } from '../../src/runtime/continue.js'
import type { Completions } from '../../src/runtime/worker/completions.js'
import type { Held } from '../../src/runtime/worker/held.js'
import { reached } from '../../src/runtime/worker/reached.js'
import { counter, nowMs } from '../runtime/plans.js'

const context = {
  mint: counter(),
  nowMs,
  ignoreResult: false,
  ignores: () => false,
  storeErrorsEvenIfIgnored: false,
  children: [],
  added: [],
  inheritPriority: false,
  queue: 'q',
} satisfies FollowContext
const held = {
  tag: 't',
  queue: 'q',
  message: { id: 'failed', task: 'fails', rootId: 'failed', embed: {} },
  sent: [],
} as unknown as Held
/** Those of `blocked` cannot be sent. */
const completions = (blocked: (sent: string) => boolean) =>
  ({
    context: () => context,
    commit: (_held, { steps }) =>
      blocked(JSON.stringify(steps))
        ? Promise.reject(new Error('no such queue'))
        : Promise.resolve({} as never),
  }) satisfies Pick<Completions, 'context' | 'commit'> as Pick<Completions, 'context' | 'commit'>

it('looks at each errback a few times, however many there are', async () => {
  const many = 500
  let looks = 0
  const errbacks = (): Node[] =>
    Array.from({ length: many }, (_, index) => {
      const about = new Proxy(
        { index },
        {
          ownKeys: (target) => {
            looks += 1
            return Reflect.ownKeys(target)
          },
        },
      )
      return signature('told', {
        args: [about],
        options: { queue: index % 2 === 0 ? 'there' : 'nowhere' },
      }) as never
    })
  const plan = ({ calls = () => true }: FollowContext) => {
    called = errbacks().filter((errback) => calls(errback))
    return { steps: [] }
  }
  let called: Node[] = []
  plan(
    await reached(
      held,
      completions((sent) => sent.includes('nowhere')),
      silentLogger,
      plan,
    ),
  )
  expect(called.map(({ options }) => options.queue)).toEqual(Array(many / 2).fill('there'))
  expect(looks).toBeLessThan(50 * many)
})
