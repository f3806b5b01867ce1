// What can be wrong with the server itself, and with the way to it.
import type { Finding } from '../runtime/broker.js'
import { bad, type Examination, good, redisCli, text, warn } from './finding.js'
import { lookAtServer } from './inspect.js'

const probes = 20
const slowMs = 20
const clockMs = 1000
const fullShare = 0.9

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export const connection = async ({ ask }: Examination) => {
  const trips: number[] = []
  const offsets: number[] = []
  let nowMs = Date.now()
  for (let i = 0; i < probes; i += 1) {
    const startedAt = performance.now()
    const sentMs = Date.now()
    const [seconds, micros] = (await ask('time', [])) as readonly Buffer[]
    trips.push(performance.now() - startedAt)
    nowMs = Number(seconds) * 1000 + Number(micros) / 1000
    offsets.push(nowMs - (sentMs + Date.now()) / 2)
  }
  const trip = median(trips)
  const offset = median(offsets)
  const say = `${trip.toFixed(1)} ms a round trip`
  const clock = `${Math.abs(offset / 1000).toFixed(1)} s ${offset > 0 ? 'behind' : 'ahead of'} the server’s`
  const findings = [
    trip > slowMs
      ? warn('latency', say, 'Run workers near their Redis: each task costs at least one round trip.')
      : good('latency', say),
    Math.abs(offset) > clockMs
      ? warn(
          'clock',
          `this machine’s clock is ${clock}`,
          'Moments count by the server’s clock. Set this one:',
          'chronyc makestep',
        )
      : good('clock', 'within a second of the server’s'),
  ]
  return { nowMs, findings }
}

export const server = async (of: Examination): Promise<readonly Finding[]> => {
  const { server: name, troubles } = await lookAtServer(of.ask)
  const found = troubles.map(({ refuses, says, mend, command }) =>
    (refuses ? bad : warn)(
      'server',
      says,
      mend,
      ...(command === undefined ? [] : [`${redisCli(of)} ${command}`]),
    ),
  )
  return [good('server', name), ...found]
}

export const memory = async (of: Examination): Promise<readonly Finding[]> => {
  const info = text(await of.ask('info', ['memory']))
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const [used, most] = [value('used_memory'), value('maxmemory')]
  const mib = `${Math.round(used / 2 ** 20)} MiB used`
  if (most === 0) return [good('memory', `${mib}, no maxmemory`)]
  const says = `${mib} of ${Math.round(most / 2 ** 20)}`
  return used > fullShare * most
    ? [
        bad(
          'memory',
          says,
          'A full Redis takes no messages. Give it more, if its machine has it; or drop what nobody needs:',
          `${redisCli(of)} CONFIG SET maxmemory ${2 * most}`,
          'lovage -A … dead purge --all',
        ),
      ]
    : [good('memory', says)]
}
