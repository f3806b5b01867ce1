// Pages and chords to which no message leads: what the last sweeps (orphans.ts) say.
import type { Finding } from '../runtime/broker.js'
import { type Examination, good, text, warn } from './finding.js'

export const orphans = async ({ ask, keys }: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const all = Number(await ask('zcard', [keys.orphans]))
  if (all === 0) return [good('orphans', 'the last sweep found no pages or chords without a message')]
  const first = (await ask('zrange', [keys.orphans, 0, 0, 'WITHSCORES'])) as readonly (
    | Buffer
    | readonly Buffer[]
  )[]
  const [name, since] = first.flat()
  const days = ((nowMs - Number(text(since))) / 86_400_000).toFixed(1)
  const says = `no message leads to the pages or the chords of ${all} ${all === 1 ? 'graph or group' : 'graphs and groups'}, such as ${text(name)}, for ${days} days`
  return [
    warn(
      'orphans',
      says,
      'Somebody took messages out of Redis (celery purge, DEL): use lovage purge. Workers take away what is left after seven days.',
    ),
  ]
}
