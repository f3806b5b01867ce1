// lovage report: what to paste into a bug report. Celery's layout; only settings that were changed, and
// nothing secret.
import { createRequire } from 'node:module'
import os from 'node:os'
import { inspect } from 'node:util'
import { Command } from 'commander'
import { readSettings } from '../config.js'
import { toSnake } from '../config-decode.js'
import { isSecret, maskSecrets, maskUrl } from '../mask.js'
import type { AppPort } from './app-port.js'
import { appFor, type Context, globalsOf } from './context.js'

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

/** Keys of Redis and of routing are no secrets. */
const isHidden = (name: string): boolean => isSecret(name) && !/routing_?key|key_?prefix/i.test(name)

const shownValue = (name: string, value: unknown): string =>
  inspect(maskSecrets(name, value, '********', isHidden), {
    depth: 4,
    breakLength: Number.POSITIVE_INFINITY,
  })

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
