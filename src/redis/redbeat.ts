// The schedule of a Python RedBeat as it lies in Redis, only read: its keys are its own.
import type { RedBeatText } from '../beat/store.js'
import type { CarrierOptions } from '../runtime/carrier.js'
import { type Ask, ask } from './ask.js'
import { Link, type Reply } from './link.js'
import { parseAddress } from './url.js'

/** `prefix` is its setting redbeat_key_prefix, `redbeat:` unless changed. */
export const readRedBeat = async (
  { brokerUrl, sentinels, timeout }: Pick<CarrierOptions, 'brokerUrl' | 'sentinels' | 'timeout'>,
  prefix: string,
): Promise<readonly RedBeatText[]> => {
  const address = parseAddress('broker', brokerUrl, sentinels?.broker)
  const link = new Link({ address, name: 'lovage-redbeat' })
  const get: Ask = (command, args) => ask(link, address.masked, timeout, () => link.send(command, args))
  try {
    const members = (await get('zrange', [`${prefix}:schedule`, 0, -1])) as readonly Buffer[]
    const found: RedBeatText[] = []
    for (const key of members.map(String)) {
      const [definition, meta] = await fieldsOf(get('hmget', [key, 'definition', 'meta']))
      if (definition == null) continue
      const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
      found.push({ name, definition: String(definition), meta: meta == null ? null : String(meta) })
    }
    return found
  } finally {
    link.close()
  }
}

/** One key of another kind is one entry that cannot be read, and is told as such. */
const fieldsOf = async (asked: Promise<Reply>): Promise<readonly (Buffer | string | null)[]> => {
  try {
    return (await asked) as readonly (Buffer | null)[]
  } catch (error) {
    if (!/WRONGTYPE/.test((error as Error).message)) throw error
    return ['a key of another kind', null]
  }
}
