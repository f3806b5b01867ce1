// What a call, its signature and the settings say about the publish itself: how long it is tried, and who
// must have the message before it counts as sent.
import { isLeft } from '../either.js'
import type { Durability, SignatureOptions } from '../canvas/node.js'
import type { Settings } from '../config.js'
import { type Decode, seconds, shape, wholeNumber } from '../config-decode.js'
import { decodeRetryPolicy, patienceOf } from '../config-publish.js'
import { InvalidSignature } from '../errors.js'
import type { PublishOptions } from './broker.js'

export type PublishSettings = Pick<
  Settings,
  | 'taskPublishRetry'
  | 'taskPublishRetryPolicy'
  | 'taskInheritParentPriority'
  | 'taskAllowErrorCbOnChordHeader'
  | 'canvasMaxDepth'
  | 'canvasMaxSize'
  | 'canvasMaxLevels'
>

const decodeDurability = shape<Durability>({
  replicas: wholeNumber(0),
  aof: wholeNumber(0, 1),
  timeout: seconds('more'),
})

const read = <A>(decode: Decode<A>, value: unknown, name: string): A => {
  const decoded = decode(value, name)
  if (isLeft(decoded))
    throw new InvalidSignature(decoded.left.endsWith('?') ? decoded.left : `${decoded.left}.`)
  return decoded.right
}

/** Seconds; undefined is as long as the broker tries by itself. */
const patience = (
  { retry, retryPolicy }: Pick<SignatureOptions, 'retry' | 'retryPolicy'>,
  { taskPublishRetry, taskPublishRetryPolicy }: PublishSettings,
): number | undefined => {
  const given = retryPolicy && read(decodeRetryPolicy, retryPolicy, 'retryPolicy')
  if (!(retry ?? taskPublishRetry)) return 0
  // A policy of the call goes over the one of the settings, word by word (Celery's way).
  if (given !== undefined) return patienceOf({ ...taskPublishRetryPolicy, ...given })
  return taskPublishRetryPolicy === null ? undefined : patienceOf(taskPublishRetryPolicy)
}

const nothingSaid: PublishOptions = Object.freeze({})

/** Throws InvalidSignature for what cannot be read. */
export const publishOptions = (
  options: Pick<SignatureOptions, 'retry' | 'retryPolicy' | 'durability'>,
  settings: PublishSettings,
): PublishOptions => {
  const seconds = patience(options, settings)
  const durability = options.durability && read(decodeDurability, options.durability, 'durability')
  if (seconds === undefined && durability === undefined) return nothingSaid
  return {
    ...(seconds !== undefined && { patience: seconds }),
    ...(durability !== undefined && { durability }),
  }
}
