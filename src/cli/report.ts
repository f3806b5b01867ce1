// lovage report: what to paste into a bug report. Celery's layout; only settings that were changed, and
// nothing secret.
import { createRequire } from 'node:module'
import os from 'node:os'
import { inspect } from 'node:util'
import { Command } from 'commander'
import { readSettings } from '../config.js'
import { toSnake } from '../config-decode.js'
import type { AppPort } from './app-port.js'
import { appFor, type Context, globalsOf } from './context.js'
import { maskUrl } from './mask.js'

export const reportCommand = ({ io, version }: Context): Command =>
  new Command('report')
    .description('print versions and changed settings, for bug reports')
    .action(async (_options: object, command: Command) => {
      const app = await appFor(command, io, false)
      try {
        io.out(report(app, version, globalsOf(command).app))
      } finally {
        await app.close()
      }
    })

const versionOf = (name: string): string => {
  try {
    const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string }
    return version
  } catch {
    return '?'
  }
}

/** Celery's rule for what an operator may see. */
const secret = /api|token|key|secret|pass|profanities_list|signature|database|beat_dburi/i

const isSecret = (name: string): boolean => secret.test(name) && !/routing_key|key_?prefix/i.test(name)

const withoutSecrets = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype
    ? Object.fromEntries(
        Object.entries(value).map(([name, member]) => [
          name,
          isSecret(name) ? '********' : withoutSecrets(member),
        ]),
      )
    : value

const shownValue = (name: string, value: unknown): string => {
  if (typeof value === 'string' && /_?url$|backend$/.test(name)) return `'${maskUrl(value)}'`
  // Keys of Redis and of routing are no secrets.
  if (isSecret(name)) return "'********'"
  return inspect(withoutSecrets(value), { depth: 4, breakLength: Number.POSITIVE_INFINITY })
}

export const report = (
  app: Pick<AppPort, 'name' | 'settings'>,
  version: string,
  path: string | undefined,
): string => {
  const { settings } = app
  const defaults: Readonly<Record<string, unknown>> = readSettings({}, {})
  const changed = Object.entries(settings)
    .filter(([name, value]) => value !== undefined && inspect(value) !== inspect(defaults[name]))
    .map(([name, value]) => `${toSnake(name)}: ${shownValue(toSnake(name), value)}`)
  const scheme = settings.brokerUrl?.split(':')[0] ?? 'none'
  const results = maskUrl(settings.resultBackend ?? settings.brokerUrl ?? 'none')
  return [
    '',
    `software -> lovage:${version} node:${process.versions.node}`,
    `            ioredis:${versionOf('ioredis')} v8:${process.versions.v8}`,
    `platform -> system:${os.type()} arch:${os.arch()}`,
    `            kernel version:${os.release()} imp:Node.js`,
    `loader   -> ${path === undefined ? 'none' : `-A ${path}`} (app: ${app.name})`,
    `settings -> transport:${scheme} results:${results}`,
    '',
    ...changed,
  ].join('\n')
}
