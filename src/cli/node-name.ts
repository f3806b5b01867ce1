// Node names, and the % signs in them and in the names of files (spec 9.4).
import { Fault } from './fault.js'

/** `%h` the host's full name, `%n` its first label, `%d` the rest. `w1` is `celery@w1`; a part that is empty is the usual one. */
export const nodeName = (given: string | undefined, host: string): string => {
  const label = host.split('.')[0] ?? host
  const domain = host.split('.').slice(1).join('.')
  const whole = expand(given ?? '', { h: host, n: label, d: domain })
  const at = whole.indexOf('@')
  const name = at < 0 ? '' : whole.slice(0, at)
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(whole))
    throw new Fault(`The node name ${JSON.stringify(whole)}: expected one line, without control characters.`)
  return `${name || 'celery'}@${whole.slice(at + 1) || host}`
}

/** In file names: `%n` before the @, `%h` behind it, `%d` its domain, `%p` the whole name; `%i`, `%I` the child. */
export const fileName = (given: string, node: string): string => {
  const at = node.indexOf('@')
  const host = node.slice(at + 1)
  return expand(given, {
    n: node.slice(0, at),
    h: host,
    d: host.split('.').slice(1).join('.'),
    p: node,
    i: '0',
    I: '',
  })
}

const expand = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/%([A-Za-z])/g, (whole, letter: string) => {
    const value = values[letter]
    if (value !== undefined) return value
    const known = Object.keys(values).map((each) => `%${each}`)
    throw new Fault(`"${text}": ${whole} stands for nothing there. Expected one of ${known.join(', ')}.`)
  })
