import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { cacheRoot, claim, provision } from './provision.js'

const name = `lovage-provision-test-${process.pid}`
afterEach(() => {
  rmSync(join(cacheRoot, name), { recursive: true, force: true })
  rmSync(join(cacheRoot, `${name}.lock`), { force: true })
})

it('makes a thing once, however many ask at the same time', async () => {
  let made = 0
  const make = async (directory: string) => {
    made += 1
    await new Promise((resolve) => setTimeout(resolve, 50))
    writeFileSync(join(directory, 'thing'), 'whole')
  }
  const found = await Promise.all([provision(name, make), provision(name, make)])
  expect(made).toBe(1)
  expect(readFileSync(join(found[1], 'thing'), 'utf8')).toBe('whole')
})

it('makes it again when the first attempt failed half way', async () => {
  const fails = provision(name, async (directory) => {
    writeFileSync(join(directory, 'half'), '')
    throw new Error('no network')
  })
  await expect(fails).rejects.toThrow('no network')
  const directory = await provision(name, async () => {})
  expect(existsSync(join(directory, 'half'))).toBe(false)
})

it('does not wait for a process that died while it held the claim', () => {
  const deadPid = 2 ** 22 + 1
  writeFileSync(join(cacheRoot, `${name}.lock`), String(deadPid))
  expect(claim(name)).toBeUndefined()
  const release = claim(name)
  expect(release).toBeDefined()
  expect(claim(name)).toBeUndefined()
  release!()
  expect(existsSync(join(cacheRoot, `${name}.lock`))).toBe(false)
})
