// The import table of the house as data, and the judgement: each violation is one sentence that names
// the culprit and the reason.
import type { Import } from './read-imports.js'

interface Room {
  /** Patterns of paths below src, besides the room itself. */
  readonly mayImport: readonly RegExp[]
  readonly because: string
}

const errors = /^errors\.ts$/
const log = /^log\.ts$/
const mask = /^mask\.ts$/
const garbage = /^garbage\.ts$/
const either = /^either\.ts$/
const seats = /^seats\.ts$/
const timer = /^timer\.ts$/
const config = /^config(-[\w-]+)?\.ts$/
const canvas = /^canvas\//
/** What the carrying rooms may know: the ports, and the text of a message. */
const ports =
  /^(runtime\/(binding|broker|purged|consumer|publication|firing|dead-letter|gate|pace|backend|carrier|mailbox|events|serializer|middleware)|beat\/(schedule|store))\.ts$/
const messages = /^runtime\/(json(-\w+)*|message|envelope)\.ts$/

const carrying: Room = {
  mayImport: [ports, messages, errors, log, mask, timer],
  because: 'a room that carries knows the ports, the text of a message, errors, log and mask',
}

const rooms: Readonly<Record<string, Room>> = {
  errors: { mayImport: [], because: 'errors know nobody' },
  log: { mayImport: [], because: 'log knows nobody' },
  mask: { mayImport: [], because: 'mask knows nobody' },
  garbage: { mayImport: [], because: 'garbage knows nobody' },
  either: { mayImport: [], because: 'either knows nobody' },
  seats: { mayImport: [], because: 'seats know nobody' },
  timer: { mayImport: [], because: 'a timer knows nobody' },
  config: { mayImport: [errors, either], because: 'config knows errors only' },
  canvas: { mayImport: [errors], because: 'canvas is pure and knows errors only' },
  pools: { mayImport: [errors, seats, timer], because: 'pools run one job and know errors only' },
  runtime: {
    mayImport: [canvas, /^pools\/pool\.ts$/, errors, log, mask, config, either, seats, timer],
    because: 'runtime knows ports only',
  },
  beat: {
    mayImport: [canvas, errors, log, timer],
    because: 'beat is a clock that knows canvas, errors and log',
  },
  redis: carrying,
  memory: carrying,
  monitor: {
    mayImport: [/^runtime\/events\.ts$/, errors],
    because: 'monitor knows the types of events and errors',
  },
  load: { mayImport: [], because: 'loading a file knows nobody' },
  child: {
    mayImport: [/^(?!cli\/|monitor\/)/],
    because: 'the program of a pool’s child knows everything but cli and monitor',
  },
  cli: {
    mayImport: [/^app\.ts$/, /^index\.ts$/, /^load\.ts$/, /^monitor\//, errors, log, mask, config, garbage],
    because: 'cli knows app, load, monitor, config, errors, log, mask and garbage',
  },
  app: { mayImport: [/^(?!cli\/|monitor\/|index\.ts)/], because: 'app knows everything but cli and monitor' },
  index: { mayImport: [/^(?!cli\/)/], because: 'index gives out public names, and nobody imports cli' },
}

interface PackageRule {
  readonly name: RegExp
  readonly allowedIn: RegExp
  readonly because: string
}

const packages: readonly PackageRule[] = [
  { name: /^ioredis(\/|$)/, allowedIn: /^redis\//, because: 'ioredis belongs to redis/ only' },
  { name: /^superjson$/, allowedIn: /^runtime\/json/, because: 'superjson belongs to runtime/json only' },
  { name: /^cron-parser$/, allowedIn: /^beat\/cron/, because: 'cron-parser belongs to beat/cron only' },
  { name: /^suncalc$/, allowedIn: /^beat\/solar/, because: 'suncalc belongs to beat/solar only' },
  {
    name: /^(picocolors|commander)$/,
    allowedIn: /^cli\//,
    because: 'colours and options belong to cli/ only',
  },
  { name: /^jiti(\/|$)/, allowedIn: /^load\.ts$/, because: 'jiti belongs to load only' },
  {
    name: /^rxjs(\/|$)/,
    allowedIn: /^(?!canvas\/|errors\.ts|log\.ts|config)/,
    because: 'rxjs is for what lasts, and nothing in there does',
  },
  {
    name: /^fp-ts\/lib\/Either\.js$/,
    allowedIn: /^either\.ts$/,
    because: 'either.ts has what is needed of it, for a tenth of the memory',
  },
  { name: /^fp-ts\/lib\/\w+\.js$/, allowedIn: /./, because: '' },
  {
    name: /^fp-ts/,
    allowedIn: /^$/,
    because: 'fp-ts is imported as `fp-ts/lib/<Module>.js`, which Node resolves',
  },
  { name: /^node:/, allowedIn: /^(?!canvas\/)/, because: 'canvas is pure and does no I/O' },
]

export function violations(imports: readonly Import[]): string[] {
  return [...new Set([...imports.flatMap(judge), ...cycles(imports)])]
}

function judge(found: Import): string[] {
  const because = found.isPackage ? packageTrouble(found) : roomTrouble(found)
  return because === undefined ? [] : [`\`${found.from}\` imports \`${found.to}\`; ${because}`]
}

function packageTrouble({ from, to }: Import): string | undefined {
  const rule = packages.find(({ name }) => name.test(to))
  if (!rule) return 'no rule knows this package: give it a room in test/architecture/rules.ts'
  return rule.allowedIn.test(from) ? undefined : rule.because
}

function roomTrouble({ from, to, kind }: Import): string | undefined {
  const room = roomOf(from)
  const rule = rooms[room]
  if (!rule) return `no rule knows the room ${room}: give it one in test/architecture/rules.ts`
  if (roomOf(to) === room) return undefined
  if (!rule.mayImport.some((pattern) => pattern.test(to))) return rule.because
  if ((room === 'app' || room === 'index') && roomOf(to) === 'redis' && kind === 'value') {
    return 'the Redis room is loaded by dynamic import, so that memory:// and pool children do not pay for it'
  }
  return undefined
}

/** The first folder; a file that stands alone is a room, and `config-table.ts` belongs to `config`. */
function roomOf(path: string): string {
  const [first, ...rest] = path.split('/') as [string, ...string[]]
  return rest.length > 0 ? first : first.replace(/(-[\w-]+)?\.ts$/, '')
}

/** Each cycle once, beginning with its first name in the alphabet. */
function cycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>()
  for (const { from, to, isPackage } of imports) {
    if (!isPackage) edges.set(from, [...(edges.get(from) ?? []), to])
  }
  const found: string[] = []
  const done = new Set<string>()
  const search = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      found.push(
        `${[...path.slice(start), file].map((name) => `\`${name}\``).join(' → ')} is an import cycle`,
      )
      return
    }
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) search(next, [...path, file])
    done.add(file)
  }
  for (const file of [...edges.keys()].sort()) search(file, [])
  return found
}
