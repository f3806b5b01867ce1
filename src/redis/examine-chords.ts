// Chords that nobody completes.
import type { Finding } from '../runtime/broker.js'
import { type Examination, good, mostScanned, quoted, text, warn } from './finding.js'

const stuckSeconds = 3600

/** Chords of which nothing was heard for an hour. They may be slow. */
export const chords = async ({ ask, keys, chords: here }: Examination): Promise<readonly Finding[]> => {
  if (!here) return [good('chords', 'they lie in another database: lovage -b <its URL> doctor looks there')]
  /** Each part that comes reads the size; where none is yet, there are parts alone. What doctor reads are parts. */
  const silent = new Map<string, number>()
  const sized = new Set<string>()
  let cursor = '0'
  let scanned = 0
  do {
    const [next, found] = (await ask('scan', [cursor, 'MATCH', keys.chordPattern, 'COUNT', 1000])) as [
      Buffer,
      Buffer[],
    ]
    cursor = text(next)
    scanned += 1000
    for (const key of found.map(text)) {
      const chord = key.slice(0, -2)
      if (key.endsWith('.s')) sized.add(chord)
      else if (sized.has(chord)) continue
      silent.set(chord, Number(await ask('object', ['IDLETIME', key])))
    }
  } while (cursor !== '0' && scanned < mostScanned)
  const stuck = [...silent].filter(([, seconds]) => seconds > stuckSeconds).map(([chord]) => chord)
  if (stuck[0] === undefined) return [good('chords', 'none has been silent for an hour')]
  const says = `${stuck.length} ${stuck.length === 1 ? 'has' : 'have'} waited for a part for more than an hour, such as ${stuck[0]}`
  const task = sized.has(stuck[0]) ? await taskIn(ask, `${stuck[0]}.j`) : undefined
  return [
    task === undefined
      ? warn('chords', says, 'Does a worker run that knows its tasks?', 'lovage -A … worker')
      : warn(
          'chords',
          says,
          'Is a task of its header lost, or only slow?',
          `lovage -A … graph ${quoted(task)}`,
        ),
  ]
}

/** The task of one part that has come. */
const taskIn = async (ask: Examination['ask'], key: string): Promise<string | undefined> => {
  const members = text(await ask('type', [key])) === 'list' ? 'lrange' : 'zrange'
  const [first] = (await ask(members, [key, 0, 0]).catch(() => [])) as readonly Buffer[]
  return /^\[1, ?"([^"]*)"/.exec(text(first))?.[1]
}
