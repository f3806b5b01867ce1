// docs/canvas.md does not lie: all its code is compiled and run, as one program, on memory://. README.md's first
// program prints what it says.
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Page, pageOf } from '../support/page.js'
import { run } from '../support/processes.js'
import { compileWhole } from '../types/compile.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string) => readFileSync(join(root, 'docs', name), 'utf8')
const page = pageOf(read('canvas.md'), read)

/** What a program prints, line by line. It imports the library by its name. */
const printed = async (program: string): Promise<readonly string[]> => {
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true })
  const folder = await mkdtemp(join(root, 'node_modules/.cache/page-'))
  try {
    await writeFile(join(folder, 'page.ts'), program)
    const jiti = join(root, 'node_modules/jiti/lib/jiti-cli.mjs')
    const env = {
      JITI_ALIAS: JSON.stringify({ lovage: join(root, 'dist/index.js') }),
      JITI_FS_CACHE: 'false',
    }
    const { stdout } = await run(process.execPath, [jiti, join(folder, 'page.ts')], { cwd: root, env })
    return stdout().trimEnd().split('\n')
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What came out. */
const play = async ({ program }: Page) => JSON.parse((await printed(program)).at(-1) as string)

describe('docs/canvas.md', () => {
  it('promises nothing that is not looked at', () => {
    const lines = (pattern: RegExp) => read('canvas.md').match(pattern)
    expect(lines(/(?<!`)\/\/ [→↓](?!`)/g)).toHaveLength(page.values.length)
    expect(lines(/(?<!`)\/\/ ✗(?!`)/g)).toHaveLength(page.refused.length)
  })

  it('says what comes out', async () => {
    expect(await play(page)).toEqual(page.values)
  })

  it('compiles, but for what it says is refused', async () => {
    const { all } = await compileWhole([page.program])
    const errors = all.split(/\n(?=\S)/).filter((text) => text !== '')
    const lines = errors.map((text) => Number(/\((\d+),/.exec(text)?.[1]))
    expect(lines, all).toEqual(page.refused.map(({ line }) => line))
    page.refused.forEach(({ says }, i) => expect(errors[i]).toContain(says))
  })
})

describe('README.md', () => {
  it('begins with a program that prints what it says', async () => {
    const [, program = ''] = /```ts\n(.*?)```/s.exec(read('../README.md')) ?? []
    const says = [...program.matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => line)
    expect(says).toHaveLength(3)
    expect(await printed(program)).toEqual(says)
  })
})

describe('docs/pictures', async () => {
  const names = (await readdir(join(root, 'docs/pictures'))).filter((name) => name.endsWith('.svg'))

  it('are shown on the page', () => {
    expect(names).toHaveLength(3)
    for (const name of names) expect(read('canvas.md')).toContain(`(pictures/${name})`)
  })

  it.each(names)('%s was drawn from the text beside it', (name) => {
    const labels = (text: string, pattern: RegExp) =>
      [...text.matchAll(pattern)].map(([, label]) => label ?? '')
    const dot = labels(read(`pictures/${name.replace('.svg', '.dot')}`), /\blabel="((?:\\.|[^"\\])*)"/g)
    const svg = labels(read(`pictures/${name}`), /<text [^>]*>([^<]*)<\/text>/g)
    const asked = dot.flatMap((label) => label.split('\\n')).map((label) => label.replaceAll('\\"', '"'))
    const drawn = svg.map((label) => label.replaceAll('&quot;', '"').replaceAll('&#160;', ' '))
    expect(asked.length).toBeGreaterThan(2)
    expect(drawn.sort()).toEqual(asked.sort())
  })
})
