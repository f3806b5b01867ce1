// The package as strangers get it: packed, looked over by publint and attw, installed in two projects that
// are not this one, and run on each line of Node that we promise.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Running, run, temporaryDirectory } from '../support/processes.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const foreign = fileURLToPath(new URL('foreign/', import.meta.url))
const bin = (name: string) => join(root, 'node_modules/.bin', name)

let tarball: string
let files: string[]

beforeAll(async () => {
  const destination = temporaryDirectory('pack')
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination]
  const packed = await run('npm', pack, { cwd: root })
  // An array up to npm 11, an object by name after it.
  const [report] = Object.values(JSON.parse(packed.stdout())) as {
    filename: string
    files: { path: string }[]
  }[]
  tarball = join(destination, report!.filename)
  files = report!.files.map(({ path }) => path)
})

describe('the tarball', () => {
  it('holds the built library, its scripts and its papers, and no sources or tests', () => {
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']))
    expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js']))
    expect(files.filter((path) => path.endsWith('.lua'))).not.toHaveLength(0)
    expect(files.filter((path) => !/^(dist\/|package\.json$|[A-Z]+(\.md)?$)/.test(path))).toEqual([])
  })

  it('passes publint', async () => {
    await run(bin('publint'), ['--strict', tarball])
  })

  it('has types that resolve wherever ESM does (attw)', async () => {
    await run(bin('attw'), ['--profile', 'esm-only', tarball])
  })
})

describe.each(['js', 'ts'] as const)('a foreign project in .%s', (language) => {
  let project: string

  beforeAll(async () => {
    project = temporaryDirectory(`foreign-${language}`)
    cpSync(foreign, project, { recursive: true })
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const types = language === 'ts' ? [pinned('typescript'), pinned('@types/node')] : []
    await npmInstall(project, [tarball, ...types])
    if (language === 'ts') await run(join(project, 'node_modules/.bin/tsc'), [], { cwd: project })
  })

  it.each([20, 22, 24])('runs on Node %i', async (major) => {
    const program = language === 'ts' ? 'out/hello.js' : 'hello.js'
    const { stdout } = await runOnNode(major, [join(project, program)], project)
    expect(stdout().trim()).toBe('16')
  })

  it('has the command line', async () => {
    const { stdout } = await run(join(project, 'node_modules/.bin/lovage'), ['--version'], { cwd: project })
    expect(stdout()).toContain(manifest().version)
  })
})

/** Another line of Node comes from the registry, as a package that holds the binary. */
async function runOnNode(major: number, args: string[], cwd: string): Promise<Running> {
  if (process.versions.node.startsWith(`${major}.`)) return run(process.execPath, args, { cwd })
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${major}`
  return run('npx', ['--yes', '--prefer-offline', '-p', name, 'node', ...args], { cwd })
}

async function npmInstall(cwd: string, packages: string[]): Promise<void> {
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], { cwd })
}

interface Manifest {
  version: string
  devDependencies: Record<string, string>
}

const manifest = (): Manifest => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
const pinned = (name: string) => `${name}@${manifest().devDependencies[name]}`
