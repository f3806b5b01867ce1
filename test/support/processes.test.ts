import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run, start, startNode } from './processes.js'
import { until } from './until.js'

const node = (code: string) => start(process.execPath, ['--input-type=module', '-e', code])
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a process that a test starts', () => {
  it('is awaited by a line of its output', async () => {
    const child = node(`console.log('one'); console.error('two, ready'); setInterval(() => {}, 1e6)`)
    expect(await child.line(/ready/)).toBe('two, ready')
    expect(child.stdout()).toBe('one\n')
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('that ends before the line came shows what it printed', async () => {
    const child = node(`console.log('it hurts'); process.exit(3)`)
    await expect(child.line(/ready/)).rejects.toThrow(/ended before a line matched.*\n?it hurts/s)
    expect(await child.exited).toEqual({ code: 3, signal: null })
  })

  it('that ignores SIGTERM is killed after the timeout', async () => {
    const child = node(`process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)`)
    await child.line(/up/)
    expect(await child.stop('SIGTERM', { timeout: 100 })).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('that fails makes run() say how', async () => {
    await expect(run(process.execPath, ['-e', `console.error('no luck'); process.exit(2)`])).rejects.toThrow(
      /ended with 2:\nno luck/,
    )
  })

  it('that cannot be started is an error at once', () => {
    expect(() => start('lovage-no-such-program', [])).toThrow('lovage-no-such-program could not be started')
  })

  it('dies with its grandchildren, and its directory goes, when the test process is killed', async () => {
    const support = fileURLToPath(new URL('.', import.meta.url))
    // A test process in small: it starts a shell with a child, says their ids and is killed without warning.
    const victim = startNode(fileURLToPath(new URL('victim.js', import.meta.url)), [support])
    const [, group, made] = (await victim.line(/^started/)).split(' ') as [string, string, string]
    expect(isAlive(Number(group))).toBe(true)
    victim.signal('SIGKILL')
    await until(() => !isAlive(Number(group)) && !existsSync(made))
  })
})
