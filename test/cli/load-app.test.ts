// -A on real files: every kind of module, and every way in which one can fail, with the place named.
import { describe, expect, it } from 'vitest'
import { makeProject } from './project.js'

const esm = (name: string): string =>
  `import { createApp } from 'lovage'\nexport const app = createApp('${name}')\n`

const project = makeProject({
  'ts.ts': `import { createApp, type App } from 'lovage'
import { name } from './names.js'
import { alias } from '~/names.js'
enum Kind { One = 1 }
export const app: App = createApp((name + alias + Kind.One) as string)
`,
  'names.ts': `export const name: string = 'ts'\nexport const alias = '+'\n`,
  'tsconfig.json': '{ "compilerOptions": { "paths": { "~/*": ["./*"], "lovage": ["./not-there.ts"] } } }',
  'mts.mts': esm('mts'),
  'cts.cts': esm('cts'),
  'esm.js': esm('esm'),
  'esm.mjs': esm('mjs'),
  'cjs.cjs': `const { createApp } = require('lovage')\nmodule.exports = { app: createApp('cjs') }\n`,
  'whole.cjs': `module.exports = require('lovage').createApp('whole')\n`,
  'default.ts': `import { createApp } from 'lovage'\nexport default createApp('default')\n`,
  'only.ts': `import { createApp } from 'lovage'\nexport const whatever = createApp('only')\n`,
  'await.ts': `import { createApp } from 'lovage'\nexport const app = createApp(await Promise.resolve('await'))\n`,
  'two.ts': `import { createApp } from 'lovage'\nexport const a = createApp('a'), b = createApp('b')\n`,
  'pkg/index.ts': esm('pkg'),
  'pkg/tasks.ts': esm('pkg.tasks'),
  // A dependency that uses the library as well must meet the same copy.
  'node_modules/plugin/package.json': '{ "type": "module", "main": "index.js" }',
  'node_modules/plugin/index.js': `export { createApp } from 'lovage'\n`,
  'once.ts': `import { createApp } from 'lovage'
import { createApp as theirs } from 'plugin'
export const app = createApp(createApp === theirs ? 'once' : 'twice')
`,
  'syntax.ts': 'const a = 1\nconst b = = 2\n',
  'syntax.js': 'const a = 1\nconst b = = 2\n',
  'syntax.cjs': 'const a = 1\nconst b = = 2\n',
  'imports-syntax.ts': `import './syntax.ts'\n`,
  'imports-syntax.js': `import './syntax.js'\n`,
  'throws.ts': `\nconst f = () => { throw new RangeError('too far') }\nf()\n`,
  'throws.js': `\nconst f = () => { throw new RangeError('too far') }\nf()\n`,
  'settings.ts': `import { createApp } from 'lovage'\n\nexport const app = createApp('x', { taskRoute: {} } as object)\n`,
  'no-package.ts': `import '@acme/unheard-of/deep'\n`,
  'no-package.js': `import '@acme/unheard-of/deep'\n`,
  'no-file.ts': `import './nothing.js'\n`,
  'throws-text.js': `throw 'just a text'\n`,
  'exits.ts': 'process.exit(7)\n',
  'exits.js': 'process.exit(0)\n',
  'waits.ts': 'await new Promise(() => {})\n',
  'waits.js': 'await new Promise(() => {})\n',
  'no-app.js': `export const add = 1\nexport const mul = 2\n`,
})

const nameOf = async (spec: string, env?: Record<string, string>): Promise<string> => {
  const { out, err } = await project.lovage(['-A', spec, 'report'], env)
  return /\(app: (.*)\)/.exec(out)?.[1] ?? err
}

describe('-A loads', () => {
  it.each([
    ['ts.ts', 'ts+1'],
    ['mts.mts', 'mts'],
    ['cts.cts', 'cts'],
    ['esm.js', 'esm'],
    ['esm.mjs', 'mjs'],
    ['cjs.cjs', 'cjs'],
    ['whole.cjs', 'whole'],
    ['default.ts', 'default'],
    ['only.ts', 'only'],
    ['await.ts', 'await'],
    ['two.ts:b', 'b'],
    ['pkg', 'pkg'],
    ['pkg.tasks', 'pkg.tasks'],
    ['ts', 'ts+1'],
  ])('%s', async (spec, name) => {
    expect(await nameOf(spec)).toBe(name)
  })

  it('the library once, also for dependencies of TypeScript', async () => {
    expect(await nameOf('once.ts')).toBe('once')
  })

  it('from another directory with --workdir', async () => {
    const { out } = await project.lovage('--workdir pkg -A tasks report')
    expect(out).toContain('(app: pkg.tasks)')
  })
})

const topLevel = 'What a module does at its top level must come to an end, and must not end the process.'
const never = 'it waits at its top level for what never comes (an await that nothing can settle)'

describe('-A says where it went wrong, and what', () => {
  it.each([
    ['syntax.ts', 'syntax.ts cannot be loaded: syntax.ts:2:10: Unexpected token'],
    ['syntax.js', "syntax.js cannot be loaded: syntax.js:2: SyntaxError: Unexpected token '='"],
    ['syntax.cjs', "syntax.cjs cannot be loaded: syntax.cjs:2: SyntaxError: Unexpected token '='"],
    ['imports-syntax.ts', 'imports-syntax.ts cannot be loaded: syntax.ts:2:10: Unexpected token'],
    [
      'imports-syntax.js',
      "imports-syntax.js cannot be loaded: syntax.js:2: SyntaxError: Unexpected token '='",
    ],
    ['throws.ts', 'throws.ts cannot be loaded: throws.ts:2: RangeError: too far'],
    ['throws.js', 'throws.js cannot be loaded: throws.js:2:25: RangeError: too far'],
    ['throws-text.js', 'throws-text.js cannot be loaded: just a text'],
    [
      'settings.ts',
      'settings.ts cannot be loaded: settings.ts:3: ImproperlyConfigured: Unknown setting "taskRoute". Did you mean taskRoutes?',
    ],
    [
      'no-package.ts',
      'no-package.ts cannot be loaded: no-package.ts imports @acme/unheard-of/deep, which is not there.\nIs it installed? npm install @acme/unheard-of',
    ],
    [
      'no-package.js',
      'no-package.js cannot be loaded: no-package.js imports @acme/unheard-of, which is not there.\nIs it installed? npm install @acme/unheard-of',
    ],
    ['no-file.ts', 'no-file.ts cannot be loaded: no-file.ts imports ./nothing.js, which is not there.'],
    ['exits.ts', `exits.ts cannot be loaded: it ended the process (exit code 7).\n${topLevel}`],
    ['exits.js', `exits.js cannot be loaded: it ended the process (exit code 0).\n${topLevel}`],
    ['waits.ts', `waits.ts cannot be loaded: ${never}.\n${topLevel}`],
    ['waits.js', `waits.js cannot be loaded: ${never}.\n${topLevel}`],
    [
      'no-app.js',
      "no-app.js has no app; it exports add and mul.\nExport one: export const app = createApp('proj')",
    ],
    ['two.ts', 'two.ts has several apps: a and b.\nChoose one: -A two.ts:a'],
    ['pkg:nope', 'pkg/index.ts has no export nope; it exports app.\nAn app is what createApp() returns.'],
  ])('%s', async (spec, message) => {
    expect(await project.lovage(['-A', spec, 'worker'])).toEqual({
      code: 2,
      out: '',
      err: `lovage: ${message}`,
    })
  })
})
