// Runs the compiler on text that must not be part of the project: what is wrong on purpose, or large.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = join(root, 'node_modules/.cache')

/** What every text of `compile` starts with. */
const head = `import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../../src/canvas/map.js'
import { signature } from '../../../src/canvas/signature.js'
import { add, none, onError, pair, size, total, upper } from '../../../test/types/tasks.js'
`

/** What tsc prints for each of these texts, which it sees as one file each. */
export const compile = (texts: readonly string[], ...flags: string[]) =>
  compileWhole(
    texts.map((text) => `${head}\n${text}\n`),
    ...flags,
  )

/** The same for texts that import by themselves what they use. */
export async function compileWhole(
  texts: readonly string[],
  ...flags: string[]
): Promise<{ all: string; each: string[] }> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'types-'))
  try {
    const files = texts.map((_, i) => `case${i}.ts`)
    await Promise.all(texts.map((text, i) => writeFile(join(folder, files[i]!), text)))
    const settings = {
      extends: '../../../tsconfig.json',
      compilerOptions: { rootDir: root },
      files,
      include: [],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const all = await new Promise<string>((resolve) => {
      const tsc = join(root, 'node_modules/.bin/tsc')
      execFile(tsc, ['-p', folder, '--pretty', 'false', ...flags], { cwd: folder }, (_, out) => resolve(out))
    })
    const each = texts.map((_, i) =>
      all
        .split(/\n(?=\S)/)
        .filter((entry) => entry.startsWith(`case${i}.ts(`))
        .join('\n'),
    )
    return { all, each }
  } finally {
    await rm(folder, { recursive: true })
  }
}
