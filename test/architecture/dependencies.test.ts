import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>
const named = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })

it('every dependency has a line that says why it is here, and every line a dependency', () => {
  const lines = [...read('docs/dependencies.md').matchAll(/^\| ([a-z@][\w@/-]*) \| (?!why)/gm)].map(
    (line) => line[1]!,
  )
  expect(lines.sort()).toEqual(named.sort())
})

it('versions are pinned, and nothing runs a script when it is installed', () => {
  const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies })
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>
  }
  const scripted = Object.entries(packages).filter(
    ([path, entry]) => path && entry.hasInstallScript && !entry.optional,
  )
  expect(scripted).toEqual([])
})
