// `inspect stats` and its kin: what a worker has done, and what it costs.
import { repr } from '../repr.js'
import { describeSettings } from './conf.js'
import type { Node } from './node.js'

/** Node's words → getrusage's. */
const usage = (): Readonly<Record<string, number>> => {
  const used = process.resourceUsage()
  return {
    utime: used.userCPUTime / 1e6,
    stime: used.systemCPUTime / 1e6,
    maxrss: used.maxRSS,
    ixrss: used.sharedMemorySize,
    idrss: used.unsharedDataSize,
    isrss: used.unsharedStackSize,
    minflt: used.minorPageFault,
    majflt: used.majorPageFault,
    nswap: used.swappedOut,
    inblock: used.fsRead,
    oublock: used.fsWrite,
    msgsnd: used.ipcSent,
    msgrcv: used.ipcReceived,
    nsignals: used.signalsCount,
    nvcsw: used.voluntaryContextSwitches,
    nivcsw: used.involuntaryContextSwitches,
  }
}

/** What kombu tells of its connection. Never a password. */
const brokerInfo = (url: string, connectTimeout: number): Readonly<Record<string, unknown>> => {
  const [, scheme = '', host = ''] = /^([a-z+]+):\/\/(?:[^@/]*@)?([^/:?]*)/.exec(url) ?? []
  const port = Number(/:(\d+)(?:\/|$)/.exec(url)?.[1] ?? 6379)
  return {
    hostname: host || 'localhost',
    userid: null,
    virtual_host: /\/(\d+)$/.exec(url)?.[1] ?? '0',
    port,
    insist: false,
    ssl: scheme === 'rediss',
    transport: scheme === 'memory' ? 'memory' : 'redis',
    connect_timeout: connectTimeout,
    transport_options: {},
    login_method: null,
    uri_prefix: null,
    heartbeat: 0,
    failover_strategy: 'round-robin',
    alternates: [],
    credential_provider: null,
  }
}

export const statsOf = (node: Node): Readonly<Record<string, unknown>> => {
  const { name, concurrency, ids } = node.pool
  const { autoscale } = node
  return {
    total: Object.fromEntries(node.totals),
    pid: process.pid,
    clock: String(node.clock.value),
    uptime: Math.floor((Date.now() - node.startedAt) / 1000),
    pool: { implementation: `lovage:${name}`, 'max-concurrency': concurrency, processes: ids },
    ...(autoscale && {
      autoscaler: {
        max: autoscale.max,
        min: autoscale.min,
        current: concurrency,
        qty: node.active().length + node.reserved().length,
      },
    }),
    broker: brokerInfo(node.brokerUrl, node.settings.brokerConnectionTimeout),
    prefetch_count: node.prefetchCount,
    rusage: usage(),
  }
}

/** `54.052MB`: five significant digits. */
const humanBytes = (bytes: number): string => {
  const units = ['b', 'KB', 'MB', 'GB', 'TB'] as const
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toPrecision(5))}${units[unit]}`
}

export const memorySample = (): string => humanBytes(process.memoryUsage.rss())

export const reportOf = ({ version, settings, changed, brokerUrl }: Node): string => {
  const results = describeSettings(settings)['result_backend']
  const scheme = /^[a-z+]+/.exec(brokerUrl)?.[0] ?? ''
  const lines = Object.entries(describeSettings(settings, changed)).map(
    ([name, value]) => `${name}: ${repr(value)}`,
  )
  return (
    `\nsoftware -> lovage:${version} node:${process.versions.node}\n` +
    `            v8:${process.versions.v8}\n` +
    `platform -> system:${process.platform} arch:${process.arch}\n` +
    `            imp:Node.js\n` +
    `loader   -> lovage\n` +
    `settings -> transport:${scheme} results:${typeof results === 'string' ? results : brokerUrl}\n\n` +
    `${lines.join('\n')}\n`
  )
}
