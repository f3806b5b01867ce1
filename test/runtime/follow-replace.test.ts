// What is sent in the place of a task: whose id it has, and what travels with it.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node, SignatureOptions } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'
import { decompose } from '../../src/runtime/decompose.js'
import { followReplace } from '../../src/runtime/follow-replace.js'
import type { Message } from '../../src/runtime/message.js'
import { contextOf, counter, originOf, outgoingOf, rawsOf, read, stepsOf } from './plans.js'

const task = (name: string, ...args: unknown[]): any => signature(name, { args })

// One for all: what is sent later gets other ids.
const mint = counter()

/** The message of the first task of this work. */
const messageOf = (work: unknown, options: SignatureOptions = {}): Message =>
  read(rawsOf(decompose(work as Node, [], options, originOf({ mint })))[0] as string)

const replace = (message: Message, heir: unknown) => followReplace(message, heir as Node, contextOf({ mint }))

const old = task('old')

describe('what takes the place of a task', () => {
  it('has its id, is its child, and is counted', () => {
    const message = messageOf(old, { taskId: 'me', rootId: 'root' })
    expect(outgoingOf(replace(message, task('new', 1)))).toMatchObject([
      { task: 'new', id: 'me', rootId: 'root', parentId: 'me', args: [1], replacedTaskNesting: 1 },
    ])
  })

  it('is all that follows: nothing is stored, nothing reported, the message ends', () => {
    const message = messageOf(chord([old, old], task('body')))
    const { steps } = replace(message, task('new'))
    expect(steps.map((step) => step.do)).toEqual(['publish', 'end'])
  })

  it('carries what the task carried, as it came', () => {
    const work = chord([chain(old, task('next'), task('last'))], task('body'))
    const message = messageOf(work)
    const [sent] = outgoingOf(replace(message, task('new')))
    const nested = message.embed.chain?.map((step) => ({
      ...step,
      options: { ...step.options, replaced_task_nesting: 1 },
    }))
    expect(sent?.embed).toEqual({ ...message.embed, chain: nested })
  })

  it('keeps the place in a chord: a group gets a body that has it', () => {
    const message = messageOf(chord([task('other'), old], task('body')))
    const plan = replace(message, group(task('a'), task('b')))
    const [a, b] = outgoingOf(plan)
    const { task: name, options } = a!.embed.chord as any
    expect([name, options.task_id, options.group_id, options.group_index]).toEqual([
      'celery.accumulate',
      message.id,
      message.groupId,
      message.groupIndex,
    ])
    expect(options.chord.task).toBe('body')
    expect([a?.groupId, b?.groupId].every((id) => id !== message.groupId && id !== undefined)).toBe(true)
    expect(stepsOf(plan, 'open-chord')).toMatchObject([{ chord: { bodyId: message.id, size: 2 } }])
  })

  it('in a chain hands on at its end, and not before', () => {
    const message = messageOf(chain(old, task('next')))
    const [first] = outgoingOf(replace(message, chain(task('a'), task('b'))))
    expect(first?.embed.chain?.map((step) => [step.task, step.options['task_id']])).toEqual([
      ['next', message.embed.chain?.[0]?.options['task_id']],
      ['b', message.id],
    ])
    expect(first?.id).not.toBe(message.id)
  })

  it('has the links of both, each where it belongs', () => {
    const message = messageOf(old, { link: [task('then')], linkError: [task('else')] })
    const [first] = outgoingOf(replace(message, chain(task('a'), task('b').link(task('own')))))
    const [last] = first?.embed.chain ?? []
    const names = (list: any) => list?.map((step: { task: string }) => step.task)
    expect([names(first?.embed.callbacks), names(first?.embed.errbacks)]).toEqual([undefined, ['else']])
    expect([names(last?.options['link']), names(last?.options['link_error'])]).toEqual([
      ['own', 'then'],
      ['else'],
    ])
  })
})
