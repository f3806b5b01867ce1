// Arguments as their sender shows them: on the wire, in a retry, in what errors and operators are told.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { asNode } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'
import { Retry } from '../../src/errors.js'
import { describeTask } from '../../src/runtime/control/describe.js'
import { decompose } from '../../src/runtime/decompose.js'
import { encodeMessage } from '../../src/runtime/envelope.js'
import { followRetry } from '../../src/runtime/follow-retry.js'
import type { Message } from '../../src/runtime/message.js'
import type { Outgoing, Plan } from '../../src/runtime/plan.js'
import { contextOf, read } from './plans.js'

const address = { exchange: '', routingKey: 'celery', priority: 0 }
const mint = () => 'id'
const shown = { argsrepr: "('***',)", kwargsrepr: "{'token': '***'}" }

const first = ({ steps }: Plan): Outgoing => {
  const step = steps.find(({ do: what }) => what === 'publish')
  return (step as unknown as { message: Outgoing }).message
}
const write = (message: Outgoing): string => encodeMessage(message, address, 0)
const sent = (options: object): string =>
  write(
    first(
      decompose(asNode(signature('t', { args: ['secret'], kwargs: { token: 'x' } }), 'it'), [], options, {
        mint,
        nowMs: 0,
      }),
    ),
  )
const told = (message: Message, safe: boolean) =>
  describeTask({ message, redelivered: false, startedAt: null, acknowledged: false, pid: null }, 'w', safe)

describe('argsrepr and kwargsrepr', () => {
  it('stand in the headers instead of the arguments, which are in the body alone', () => {
    const { headers } = JSON.parse(sent(shown))
    expect(headers).toMatchObject(shown)
    expect(JSON.parse(sent({})).headers).toMatchObject({
      argsrepr: "('secret',)",
      kwargsrepr: "{'token': 'x'}",
    })
    expect(read(sent(shown)).args).toEqual(['secret'])
  })

  it('belong to a signature: the next step of a chain has them under Celery’s names', () => {
    const step = signature('t', { args: ['secret'], options: shown })
    const [[, , { chain: rest }]] = [
      JSON.parse(
        Buffer.from(
          JSON.parse(
            write(first(decompose(asNode(chain([signature('a'), step]), 'it'), [], {}, { mint, nowMs: 0 }))),
          ).body,
          'base64',
        ).toString(),
      ),
    ]
    expect(rest[0].options).toMatchObject(shown)
  })

  it('are what operators see, whether they ask for it or not', () => {
    for (const safe of [true, false])
      expect(told(read(sent(shown)), safe)).toMatchObject({ args: shown.argsrepr, kwargs: shown.kwargsrepr })
    expect(told(read(sent({})), false)).toMatchObject({ args: ['secret'], kwargs: { token: 'x' } })
  })

  it('of a sender in Python are taken for its own way to write, unless a safe answer is asked for', () => {
    const message = read(sent(shown).replace('"lang": "js"', '"lang": "py"'))
    expect(told(message, false).args).toEqual(['secret'])
    expect(told(message, true).args).toBe(shown.argsrepr)
  })

  it('stay with a retry, with new arguments too; what was never hidden is written anew', () => {
    const again = (options: object, retry: object = {}) =>
      JSON.parse(
        write(
          first(followRetry(read(sent(options)), new Retry(retry, 'once more'), contextOf({ nowMs: 0 }))),
        ),
      )
    expect(again(shown).headers).toMatchObject(shown)
    expect(again(shown, { args: ['other secret'] }).headers).toMatchObject(shown)
    expect(again({}, { args: ['new'] }).headers.argsrepr).toBe("('new',)")
  })
})
