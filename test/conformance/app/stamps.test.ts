// Stamps on their way: who has them when he runs.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { until } from '../../support/until.js'
import { type Bench, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

/** Tasks that note the stamps with which they run. */
const start = async (bench: Bench) => {
  const app: App = bench.app()
  const seen: Record<string, unknown> = {}
  const look = app.task('look', function (name: string, ..._more: unknown[]) {
    seen[name] = this.request.stamps
    return name
  })
  const fail = app.task('fail', function (name: string): string {
    seen[name] = this.request.stamps
    throw new Error('boom')
  })
  await bench.work(app)
  return { app, seen, look, fail }
}

onEveryEngine('stamps', (bench) => {
  const acme = { customer: 'acme' }

  it('are carried by every step, member, body, callback and errback', async () => {
    const { seen, look, fail } = await start(bench())
    const work = chain(
      look.si('first').link(look.si('callback')),
      chord([look.si('member'), chain(look.si('inner'), look.si('innermost'))], look.si('body')),
      fail.si('last').linkError(look.si('errback') as any),
    ).stamp(acme)
    await expect((work as any).delay().get(wait)).rejects.toThrow('boom')
    const names = ['first', 'callback', 'member', 'inner', 'innermost', 'body', 'last', 'errback']
    await until(() => Object.keys(seen).length === names.length)
    expect(seen).toEqual(Object.fromEntries(names.map((name) => [name, acme])))
  })

  it('of a call are those of the whole canvas; a signature keeps its own', async () => {
    const { app, seen, look } = await start(bench())
    const work = chain(look.si('plain'), look.si('own').stamp({ customer: 'other', tier: 1 }))
    const options = { stamps: acme, link: look.si('callback') as any }
    await (await app.send(work, [], options)).get(wait)
    await until(() => 'callback' in seen)
    expect(seen).toEqual({ plain: acme, own: { customer: 'other', tier: 1 }, callback: acme })
  })

  it('are kept by a retry', async () => {
    const { app, seen } = await start(bench())
    const again = app.task('again', function () {
      seen[`try ${this.request.retries}`] = this.request.stamps
      if (this.request.retries === 0) throw this.retry({ countdown: 0 })
    })
    await again.s().stamp(acme).delay().get(wait)
    expect(seen).toEqual({ 'try 0': acme, 'try 1': acme })
  })

  it('are not handed on to what a task sends by itself', async () => {
    const { app, seen, look } = await start(bench())
    const sends = app.task('sends', async () => void (await look.delay('sent')))
    await sends.s().stamp(acme).delay().get(wait)
    await until(() => 'sent' in seen)
    expect(seen).toEqual({ sent: {} })
  })

  it('stand in the result where results are extended', async () => {
    const app = bench().app({ resultExtended: true })
    const add = app.task('add', (x: number, y: number) => x + y)
    await bench().work(app)
    const result = await add.s(1, 2).stamp(acme).delay()
    await result.get(wait)
    const stored = JSON.parse((await bench().look()).results[result.id]!)
    expect([stored.stamped_headers, stored.customer]).toEqual([['customer'], 'acme'])
  })
})
