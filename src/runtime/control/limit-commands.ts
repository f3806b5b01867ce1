// Limits that are set from afar: they last until the worker ends.
import { type Rate, readRate } from '../../config-rate.js'
import type { Command } from './node.js'
import { textRepr } from './words.js'

const seconds = (value: unknown, name: string): number | undefined => {
  if (value == null) return undefined
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value
  throw new TypeError(`time_limit: expected ${name} in seconds, more than 0, or null`)
}

const timeLimit: Command = (node, { task_name: name, soft, hard }) => {
  if (typeof name !== 'string' || node.registry.get(name) === undefined) return { error: 'unknown task' }
  const limits = { softTimeLimit: seconds(soft, 'soft'), timeLimit: seconds(hard, 'hard') }
  node.timeLimits.set(name, limits)
  node.log.info(
    `New time limits for tasks of type ${name}: soft=${limits.softTimeLimit} hard=${limits.timeLimit}`,
  )
  return { ok: 'time limits set successfully' }
}

/** What Python's parser says of a rate that is none. */
const rateError = (rate: unknown): { readonly error: string } => {
  const text = typeof rate === 'string' ? rate : JSON.stringify(rate)
  const [number = '', unit] = text.split('/')
  if (number.trim() !== '' && Number.isFinite(Number(number)) && unit !== undefined)
    return { error: `KeyError(${textRepr(unit)})` }
  return {
    error: `Invalid rate limit string: ValueError(${textRepr(`could not convert string to float: ${textRepr(number)}`)})`,
  }
}

const rateLimit: Command = (node, { task_name: name, rate_limit: rate = null }) => {
  if (typeof name !== 'string' || node.registry.get(name)?.run === undefined) return { error: 'unknown task' }
  const pace = readRate(rate)
  if (pace === undefined) return rateError(rate)
  node.rateLimit(name, rate as Rate)
  if (pace === null) {
    node.log.info(`Rate limits disabled for tasks of type ${name}`)
    return { ok: 'rate limit disabled successfully' }
  }
  node.log.info(`New rate limit for tasks of type ${name}: ${rate as string}.`)
  return { ok: 'new rate limit set successfully' }
}

export const limitCommands: Readonly<Record<string, Command>> = {
  time_limit: timeLimit,
  rate_limit: rateLimit,
}
