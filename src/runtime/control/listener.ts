// A worker's ear for remote control: a broadcast comes in, its command runs, its answer goes back. Whatever is
// said to it, it stays alive and hears the next.
import * as Either from '../../either.js'
import type { Mailbox } from '../mailbox.js'
import { commandOf } from './command.js'
import { type Node, silence } from './node.js'
import { concerns, decodeRequest, encodeReply, pidboxOf, type Request } from './pidbox.js'
import { textRepr } from './words.js'

const errorReply = (error: unknown): { readonly error: string } => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { error: `${name}(${textRepr(message)})` }
}

/** The answer to one command; errors look as Python's do. */
export const answer = async (node: Node, { method, arguments: args }: Request): Promise<unknown> => {
  const command = commandOf(method)
  if (command === undefined) {
    node.log.error(`No such control command: ${method}`)
    return { error: `KeyError(${textRepr(method)})` }
  }
  try {
    return await command(node, args)
  } catch (error) {
    node.log.error(`Error in the control command ${method}: ${String(error)}`)
    return errorReply(error)
  }
}

/** Resolves when it listens, with what ends it. */
export const listen = async (
  node: Node,
  mailbox: Mailbox,
  controlExchange: string,
  onAgain: () => void,
): Promise<() => Promise<void>> => {
  let mailboxClock = 0
  const said = new Set<string>()
  /** One line for each kind of nonsense: who sends it once sends it often. */
  const complain = (reason: string): void => {
    if (said.has(reason) || said.size >= 100) return
    said.add(reason)
    node.log.error(`A remote control message was not understood and is ignored: ${reason}`)
  }

  const handle = async (request: Request): Promise<void> => {
    const payload = await answer(node, request)
    if (request.replyTo === null || payload === silence) return
    mailboxClock += 1
    const { ticket, replyTo } = request
    const reply = (value: unknown): string => encodeReply(node.hostname, value, ticket, replyTo, mailboxClock)
    let raw: string
    try {
      raw = reply(payload)
    } catch (error) {
      raw = reply(errorReply(error))
    }
    await mailbox.reply(replyTo.exchange, replyTo.routingKey, raw)
  }

  return mailbox.listen(
    pidboxOf(controlExchange),
    (raw) => {
      const decoded = decodeRequest(raw)
      if (Either.isLeft(decoded)) return complain(decoded.left)
      const request = decoded.right
      mailboxClock = Math.max(mailboxClock, request.clock) + 1
      node.clock.value += 1
      try {
        if (!concerns(request, node.hostname)) return
      } catch (error) {
        return complain(String(error))
      }
      handle(request).catch((error: unknown) => complain(String(error)))
    },
    { onAgain },
  )
}
