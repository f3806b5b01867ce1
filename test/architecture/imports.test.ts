import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importsOf, readTree, type Tree } from './read-imports.js'
import { violations } from './rules.js'

const judge = (tree: Tree) => violations(importsOf(tree))

describe('the house', () => {
  it('is built as its table says', () => {
    const tree = readTree(fileURLToPath(new URL('../../src', import.meta.url)))
    expect(Object.keys(tree)).not.toHaveLength(0)
    expect(judge(tree)).toEqual([])
  })
})

describe('the test of the house', () => {
  it('names the culprit in a sentence', () => {
    expect(judge({ 'runtime/follow.ts': `import { key } from '../redis/keys.js'` })).toEqual([
      '`runtime/follow.ts` imports `redis/keys.ts`; runtime knows ports only',
    ])
  })

  it.each([
    ['by value', `import { key } from '../redis/keys.js'`],
    ['by type', `import type { Key } from '../redis/keys.js'`],
    ['by a type among values', `import { type Key } from '../redis/keys.js'`],
    ['for its effects', `import '../redis/keys.js'`],
    ['in a type expression', `export type Key = import('../redis/keys.js').Key`],
    ['in typeof', `export type Keys = typeof import('../redis/keys.js')`],
    ['dynamically', `export const keys = async () => (await import('../redis/keys.js')).keys`],
    ['by passing it on', `export { key } from '../redis/keys.js'`],
    ['by passing all on', `export * from '../redis/keys.js'`],
    ['by passing a type on', `export type { Key } from '../redis/keys.js'`],
    ['behind a regular expression with quotes', `const q = /['"\`]/\nimport { key } from '../redis/keys.js'`],
  ])('sees an import %s', (_, text) => {
    expect(judge({ 'runtime/follow.ts': text })).toHaveLength(1)
  })

  it('does not take comments and strings for imports', () => {
    const text = `// import '../redis/keys.js'\n/* import('../redis/keys.js') */\nexport const s = "import '../redis/keys.js'"`
    expect(judge({ 'runtime/follow.ts': text })).toEqual([])
  })

  it.each([
    ['errors.ts', './log.js', 'errors know nobody'],
    ['log.ts', './errors.js', 'log knows nobody'],
    ['config.ts', './log.js', 'config knows errors only'],
    ['config-table.ts', './runtime/message.js', 'config knows errors only'],
    ['canvas/walk.ts', '../log.js', 'canvas is pure and knows errors only'],
    ['pools/fiber.ts', '../runtime/plan.js', 'pools run one job and know errors only'],
    ['runtime/worker/slots.ts', '../../pools/fiber.js', 'runtime knows ports only'],
    ['runtime/perform.ts', '../memory/broker.js', 'runtime knows ports only'],
    ['beat/beat.ts', '../runtime/perform.js', 'beat is a clock that knows canvas, errors and log'],
    ['redis/broker.ts', '../runtime/follow.js', 'a room that carries knows the ports'],
    ['memory/broker.ts', '../canvas/signature.js', 'a room that carries knows the ports'],
    ['memory/broker.ts', '../redis/keys.js', 'a room that carries knows the ports'],
    ['monitor/cluster.ts', '../runtime/message.js', 'monitor knows the types of events'],
    [
      'cli/worker.ts',
      '../runtime/message.js',
      'cli knows app, load, monitor, config, errors, log, mask and garbage',
    ],
    ['child.ts', './cli/main.js', 'knows everything but cli and monitor'],
    ['load.ts', './errors.js', 'loading a file knows nobody'],
    ['app.ts', './cli/main.js', 'app knows everything but cli and monitor'],
    ['app.ts', './monitor/cluster.js', 'app knows everything but cli and monitor'],
    ['app.ts', './redis/connect.js', 'the Redis room is loaded by dynamic import'],
    ['index.ts', './cli/main.js', 'nobody imports cli'],
    ['kitchen/sink.ts', '../errors.js', 'no rule knows the room kitchen'],
  ])('refuses %s → %s', (from, to, because) => {
    expect(judge({ [from]: `import { x } from '${to}'` })).toEqual([expect.stringContaining(because)])
  })

  it.each([
    ['runtime/perform.ts', 'ioredis', 'ioredis belongs to redis/ only'],
    ['runtime/message.ts', 'superjson', 'superjson belongs to runtime/json only'],
    ['beat/tick.ts', 'cron-parser', 'cron-parser belongs to beat/cron only'],
    ['runtime/worker/worker.ts', 'picocolors', 'belong to cli/ only'],
    ['app.ts', 'commander', 'belong to cli/ only'],
    ['cli/main.ts', 'jiti', 'jiti belongs to load only'],
    ['canvas/walk.ts', 'rxjs', 'rxjs is for what lasts'],
    ['canvas/walk.ts', 'node:fs', 'canvas is pure'],
    ['runtime/message.ts', 'fp-ts', '`fp-ts/lib/<Module>.js`'],
    ['runtime/message.ts', 'fp-ts/Either', '`fp-ts/lib/<Module>.js`'],
    ['runtime/message.ts', 'fp-ts/lib/Either', '`fp-ts/lib/<Module>.js`'],
    ['runtime/message.ts', 'fp-ts/lib/Either.js', 'either.ts has what is needed of it'],
    ['runtime/message.ts', 'lodash', 'no rule knows this package'],
  ])('refuses %s → the package %s', (from, to, because) => {
    expect(judge({ [from]: `import { x } from '${to}'` })).toEqual([expect.stringContaining(because)])
  })

  it.each([
    ['runtime/follow.ts', `import { chain } from '../canvas/chain.js'`],
    ['runtime/worker/slots.ts', `import type { Pool } from '../../pools/pool.js'`],
    [
      'redis/broker.ts',
      `import { Redis } from 'ioredis'\nimport type { Broker } from '../runtime/broker.js'`,
    ],
    ['memory/backend.ts', `import { read } from '../runtime/json.js'`],
    ['runtime/json-superjson.ts', `import { SuperJSON } from 'superjson'`],
    ['canvas/wire.ts', `import * as O from 'fp-ts/lib/Option.js'`],
    ['either.ts', `export type { Either } from 'fp-ts/lib/Either.js'`],
    [
      'app.ts',
      `import type { Link } from './redis/link.js'\nexport const open = () => import('./redis/broker.js')`,
    ],
    ['load.ts', `export const load = () => import('jiti')`],
  ])('has nothing against %s', (from, text) => {
    expect(judge({ [from]: text })).toEqual([])
  })

  it('finds cycles, by value, by type or by a call, once each', () => {
    const tree = {
      'canvas/a.ts': `import type { B } from './b.js'`,
      'canvas/b.ts': `import { c } from './deep/c.js'`,
      'canvas/deep/c.ts': `export const load = () => import('../a.js')`,
      'canvas/d.ts': `import { a } from './a.js'`,
    }
    expect(judge(tree)).toEqual([
      '`canvas/a.ts` → `canvas/b.ts` → `canvas/deep/c.ts` → `canvas/a.ts` is an import cycle',
    ])
  })
})
