// Words of `lovage multi` → the nodes that are meant, each with its command line. No I/O.
import { Fault } from './fault.js'
import { fileName, nodeName } from './node-name.js'

export interface Node {
  readonly name: string
  /** What follows `lovage`. */
  readonly words: readonly string[]
  readonly pidfile: string
  readonly logfile: string
}

interface Option {
  readonly flag: string
  readonly value: string | undefined
  /** Names or numbers of the nodes that it is for; undefined is all. */
  readonly only: readonly string[] | undefined
}

/** Options of `worker` that take no value. */
const flags = new Set(
  '-B --beat -E --task-events --events --purge --discard --disable-prefetch --without-gossip --without-mingle --without-heartbeat'.split(
    ' ',
  ),
)
/** Options that stand before `worker`. */
const globals = new Set('-A --app -b --broker --result-backend --workdir -C --no-color -q --quiet'.split(' '))
const globalFlags = new Set(['-C', '--no-color', '-q', '--quiet'])

const isSignal = (word: string): boolean => /^-(SIG)?(TERM|INT|QUIT|HUP|KILL|USR1|USR2)$/.test(word)

const read = (words: readonly string[]) => {
  const names: string[] = []
  const options: Option[] = []
  let signal: NodeJS.Signals = 'SIGTERM'
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string
    if (isSignal(word)) signal = `SIG${word.replace(/^-(SIG)?/, '')}` as NodeJS.Signals
    else if (!word.startsWith('-')) names.push(word)
    else {
      const [, flag = word, only, joined] = /^(--?[\w-]+)(?::([^=\s]+))?(?:=(.*))?$/s.exec(word) ?? []
      const alone = flags.has(flag) || globalFlags.has(flag)
      const value = alone ? undefined : (joined ?? words[++at])
      if (!alone && value === undefined) throw new Fault(`lovage multi: ${word} expects a value.`)
      options.push({ flag, value, only: only?.split(',') })
    }
  }
  return { names, options, signal }
}

/** `celery1` … for a number; one node without any. */
const namesOf = (names: readonly string[]): readonly string[] => {
  const [first] = names
  if (first === undefined || Number(first) === 0)
    throw new Fault('lovage multi: expected names of nodes, or how many there are.')
  if (names.length === 1 && /^\d+$/.test(first))
    return Array.from({ length: Number(first) }, (_, index) => `celery${index + 1}`)
  return names
}

/** `1`, `1-3`, or a name. */
const isFor = (only: readonly string[], name: string, number: number): boolean =>
  only.some((word) => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(word) ?? []
    return from === undefined ? word === name : number >= Number(from) && number <= Number(to)
  })

export const planNodes = (
  words: readonly string[],
  host: string,
  before: readonly string[] = [],
): { readonly nodes: readonly Node[]; readonly signal: NodeJS.Signals } => {
  const { names, options, signal } = read(words)
  const nodes = namesOf(names).map((short, index): Node => {
    const name = nodeName(short.includes('@') ? short : `${short}@%h`, host)
    const own = options.filter(({ only }) => only === undefined || isFor(only, short, index + 1))
    // What is said for some counts more than what is said for all.
    const last = new Map(
      [...own.filter(({ only }) => !only), ...own.filter(({ only }) => only)].map((each) => [
        each.flag,
        each,
      ]),
    )
    const valueOf = (flag: string, fallback: string): string =>
      fileName(last.get(flag)?.value ?? fallback, name)
    const pidfile = valueOf('--pidfile', '%n.pid')
    const logfile = valueOf('--logfile', last.get('-f')?.value ?? '%n%I.log')
    const chosen = [...last.values()].filter(
      ({ flag }) => !['--pidfile', '--logfile', '-f', '-n'].includes(flag),
    )
    const written = (wanted: boolean): readonly string[] =>
      chosen
        .filter(({ flag }) => globals.has(flag) === wanted)
        .flatMap(({ flag, value }) => (value === undefined ? [flag] : [flag, value]))
    return {
      name,
      pidfile,
      logfile,
      words: [
        ...before,
        ...written(true),
        'worker',
        ...written(false),
        `--pidfile=${pidfile}`,
        `--logfile=${logfile}`,
        '-n',
        name,
      ],
    }
  })
  return { nodes, signal }
}
