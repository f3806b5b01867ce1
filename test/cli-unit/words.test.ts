// Small readers: node names, names of files, modules behind -A, typed calls, values.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { nextLines } from '../../src/cli/beat-print.js'
import { optionsOf, withWords } from '../../src/cli/beat-words.js'
import { readCall } from '../../src/cli/dev-call.js'
import { findModule } from '../../src/cli/find-module.js'
import { pickApp } from '../../src/cli/load-app.js'
import { fileName, nodeName } from '../../src/cli/node-name.js'
import { settingWords } from '../../src/cli/options.js'
import { valueText } from '../../src/cli/result.js'
import { temporaryDirectory } from '../support/processes.js'

describe('the words of a beat’s entry', () => {
  const read = (...words: string[]) =>
    optionsOf(withWords(new Command('update')).parse(words, { from: 'user' }).opts())

  it('take away what bounds it: none', () => {
    expect(read('--max-runs', 'none', '--start-at', 'none', '--end-at=none')).toEqual({
      maxRuns: null,
      startAt: null,
      endAt: null,
    })
    expect(read('--max-runs', '3', '--jitter', '5')).toEqual({ maxRuns: 3, jitter: 5 })
  })
})

describe('nodeName', () => {
  it.each([
    [undefined, 'celery@node-a.example.com'],
    ['w1', 'celery@w1'],
    ['w1@%h', 'w1@node-a.example.com'],
    ['w1@%n', 'w1@node-a'],
    ['w1@%d', 'w1@example.com'],
    ['@h', 'celery@h'],
    ['%n-a@x', 'node-a-a@x'],
    ['', 'celery@node-a.example.com'],
    ['@', 'celery@node-a.example.com'],
    ['w1@', 'w1@node-a.example.com'],
    ['a@b@c', 'a@b@c'],
  ])('%s is %s', (given, expected) => {
    expect(nodeName(given, 'node-a.example.com')).toBe(expected)
  })

  it('refuses a % that stands for nothing, as Celery does', () => {
    expect(() => nodeName('w1@%z', 'box')).toThrow(
      '"w1@%z": %z stands for nothing there. Expected one of %h, %n, %d.',
    )
    expect(() => fileName('/var/log/%Y.log', 'w1@box')).toThrow(
      '"/var/log/%Y.log": %Y stands for nothing there. Expected one of %n, %h, %d, %p, %i, %I.',
    )
  })

  it.each(['w\n1', 'w1@h\r', 'w\t1', '\u001b[2Jw1', 'w\u20281', 'w\u00001'])(
    'refuses %j in a sentence',
    (given) => {
      expect(() => nodeName(given, 'box')).toThrow(
        /^The node name ".*": expected one line, without control characters\.$/s,
      )
    },
  )

  it('has no domain where the host has none', () => {
    expect(nodeName('w@%n.%d', 'box')).toBe('w@box.')
  })
})

describe('fileName', () => {
  it('expands the parts of the node’s name', () => {
    expect(fileName('/var/log/%n%I-%i.%h.%d.%p.%%', 'w1@box.example.com')).toBe(
      '/var/log/w1-0.box.example.com.example.com.w1@box.example.com.%%',
    )
  })
})

describe('findModule', () => {
  const root = temporaryDirectory('find')
  for (const file of ['one.ts', 'two.js', 'pkg/index.mjs', 'pkg/tasks.ts', 'django/app.ts', 'typed.mts']) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  const find = (spec: string) => {
    const { file, exportName } = findModule(spec, '-A', root)
    return [file.slice(root.length + 1), exportName]
  }

  it.each([
    ['one.ts', ['one.ts', undefined]],
    ['./one.ts:other', ['one.ts', 'other']],
    ['one', ['one.ts', undefined]],
    ['two', ['two.js', undefined]],
    ['one.js', ['one.ts', undefined]],
    ['typed.mjs', ['typed.mts', undefined]],
    ['pkg', ['pkg/index.mjs', undefined]],
    ['pkg.tasks', ['pkg/tasks.ts', undefined]],
    ['pkg.tasks:$x', ['pkg/tasks.ts', '$x']],
    ['pkg/tasks', ['pkg/tasks.ts', undefined]],
    ['django', ['django/app.ts', undefined]],
    ['one.celery', ['one.ts', 'celery']],
    [join(root, 'one.ts'), ['one.ts', undefined]],
  ])('%s', (spec, expected) => {
    expect(find(spec)).toEqual(expected)
  })

  it('says where it looked', () => {
    expect(() => find('none')).toThrow(
      `-A none: there is no such module in ${root} (none.ts, none.js, none/index.ts …).\nGive the path of the file`,
    )
    expect(() => findModule('none.js', '-I', root)).toThrow(
      /^-I none\.js: .*\nGive the path of the file that has the tasks, for example -I proj\/tasks\.ts$/,
    )
  })
})

describe('pickApp', () => {
  const brand = Symbol.for('lovage.app')
  const one = { [brand]: true, name: 'one' }
  const two = { [brand]: true, name: 'two' }
  const pick = (exports: Record<string, unknown>, name?: string) =>
    pickApp(exports as never, name, 'a.ts').name

  it('takes the export that is named, else app, else the default one, else the only one', () => {
    expect(pick({ app: one, other: two }, 'other')).toBe('two')
    expect(pick({ other: two, app: one })).toBe('one')
    expect(pick({ other: two, default: one })).toBe('one')
    expect(pick({ app: 'express', worker: two })).toBe('two')
    expect(pick({ a: two, b: two })).toBe('two')
  })

  it('looks into the exports of CommonJS', () => {
    expect(pick({ default: { app: one }, 'module.exports': { app: one } })).toBe('one')
    expect(pick({ default: { main: two } }, 'main')).toBe('two')
  })

  it('lists what there is when there is no app, or more than one', () => {
    expect(() => pick({ add: 1, mul: 2 })).toThrow(
      "a.ts has no app; it exports add and mul.\nExport one: export const app = createApp('proj')",
    )
    expect(() => pick({})).toThrow('a.ts has no app; it exports nothing.')
    expect(() => pick({ x: one, y: two })).toThrow('a.ts has several apps: x and y.\nChoose one: -A a.ts:x')
    expect(() => pick({ app: one }, 'nope')).toThrow('a.ts has no export nope; it exports app.')
    expect(() => pick({ add: 1 }, 'add')).toThrow('the export add of a.ts is not an app.')
  })
})

describe('settingWords', () => {
  it('reads JSON, Python’s words and text', () => {
    expect(settingWords(['a=1', 'b=True', 'c=None', 'd=["x"]', 'e=redis://h/0?x=1', 'f=null'])).toEqual({
      a: 1,
      b: true,
      c: null,
      d: ['x'],
      e: 'redis://h/0?x=1',
      f: null,
    })
  })

  it.each([
    ['worker_direct', true, ['1', 'true', 'True', 'yes', 'YES', 'on', 't', 'y']],
    ['CELERY_WORKER_DIRECT', false, ['0', 'false', 'False', 'no', 'off', 'f', 'n']],
    ['workerDirect', 2, ['2']],
    ['worker.log_color', true, ['1']],
    ['worker_concurrency', 1, ['1']],
    ['enable_utc', true, ['yes']],
    ['task_always_eager', false, ['0']],
    ['task_default_queue', '1', ['1']],
    ['task_default_queue', 'no', ['no']],
  ])('%s is %j: the setting decides what its text means', (name, value, texts) => {
    for (const text of texts)
      expect(Object.values(settingWords([`${name}=${text}`])), `${name}=${text}`).toEqual([value])
  })
})

describe('readCall', () => {
  const names = ['proj.add']
  it('reads a name with arguments in JSON', () => {
    expect(readCall(' proj.add(2, {"a": [1]}); ', names)).toEqual({
      kind: 'call',
      name: 'proj.add',
      args: [2, { a: [1] }],
    })
    expect(readCall('proj.add', names)).toEqual({ kind: 'call', name: 'proj.add', args: [] })
  })

  it('says what is wrong otherwise', () => {
    expect(readCall('proj.ad(1)', names)).toEqual({
      kind: 'say',
      text: 'There is no task proj.ad. There are: proj.add',
    })
    expect(readCall('proj.add(x)', names)).toMatchObject({ text: expect.stringContaining('JSON') })
    expect(readCall('proj.add(1) + 2', names)).toMatchObject({ text: expect.stringContaining('Type a call') })
  })
})

describe('valueText', () => {
  it('is the text, the JSON of plain data, or what Node shows', () => {
    expect(valueText('a b')).toBe('a b')
    expect(valueText({ a: [1, null, true] })).toBe('{"a":[1,null,true]}')
    expect(valueText(12n)).toBe('12n')
    expect(valueText(new Map([[1, 2]]))).toBe('Map(1) { 1 => 2 }')
    expect(valueText(Number.NaN)).toBe('NaN')
    expect(valueText(undefined)).toBe('undefined')
  })
})

describe('nextLines', () => {
  const lines = (...ticks: string[]): string[] =>
    nextLines(
      ticks.map((tick) => new Date(tick)),
      'Asia/Kolkata',
    ).split('\n')

  it('shows whole seconds, and parts of one where there are such', () => {
    expect(lines('2026-01-01T00:00:00Z')).toEqual(['Thu 2026-01-01 05:30:00 +05:30 Asia/Kolkata'])
    expect(lines('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.250Z')).toEqual([
      'Thu 2026-01-01 05:30:00.000 +05:30 Asia/Kolkata',
      'Thu 2026-01-01 05:30:00.250 +05:30 Asia/Kolkata',
    ])
  })
})
