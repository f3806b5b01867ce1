// Canvases over the limits: refused where they are sent, and failed where they come from somebody who has not
// looked.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { type AnySignature, signature } from '../../../src/canvas/signature.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const id = (...args: unknown[]): AnySignature => signature('id', { args })
const nested = (depth: number): AnySignature =>
  Array.from({ length: depth }).reduce<AnySignature>((body) => chord([id()], body) as AnySignature, id())

onEveryEngine('a canvas that is too deep or too large', (bench) => {
  it('is refused before anything is sent', async () => {
    const app = bench().app({ canvasMaxDepth: 4, canvasMaxSize: 10 })
    await expect(app.send(nested(4))).rejects.toThrow(
      'chord.body.chord.body.chord.body.chord.body (id): stands deeper than 4 signatures in each other.',
    )
    await expect(app.send(chain(Array.from({ length: 10 }, () => id())))).rejects.toThrow(
      'is one too many: a canvas has at most 10 signatures.',
    )
    expect((await bench().look()).messages).toEqual({})
  })

  it('is refused also when a call would stamp it, and where it stands in what the call links', async () => {
    const app = bench().app()
    app.task('id', (value: unknown = 1) => value)
    app.task('pair', (a: unknown, b: unknown) => [a, b])
    const doubled = Array.from({ length: 40 }).reduce<AnySignature>((part) => group(part as any, part), id())
    await expect(app.send(doubled, [], { stamps: { tenant: 'acme' } })).rejects.toThrow('is one too many')
    for (const option of ['link', 'linkError'])
      await expect(app.send(id(2), [], { [option]: chain(id(), signature('pair')) })).rejects.toThrow(
        `${option}[0].chain[1] (pair): takes 2 arguments, but this signature gives it 1.`,
      )
    expect((await bench().look()).messages).toEqual({})
  })

  it('fails from the wire, and the worker goes on', async () => {
    const careless = bench().app()
    const app = bench().app({ canvasMaxDepth: 4 })
    app.task('id', (value: unknown = 1) => value)
    await bench().work(app)
    const result = await careless.send(chain(id(2), nested(5)))
    await expect(result.get({ timeout: 25 })).rejects.toThrow('stands deeper than 4')
    expect(await careless.send(chain(id(2), nested(2))).get({ timeout: 25 })).toEqual([[2]])
    expect(await bench().graphs()).toEqual([])
  })

  it('may be as deep in a message as canvasMaxLevels says', async () => {
    const linked = (app: App): AnySignature => {
      const declared = app.declare<(value: number) => number>('count')
      return Array.from({ length: 120 }).reduce<AnySignature>(
        (next) => declared.s(1).link(next) as AnySignature,
        declared.s(1),
      )
    }
    const usual = bench().app()
    await expect(usual.send(linked(usual))).rejects.toThrow(
      'its message has 361 levels of JSON, at most 290 are sent (the setting canvasMaxLevels)',
    )
    const deep = bench().app({ canvasMaxLevels: 400 })
    let runs = 0
    const worker = bench().app({ canvasMaxLevels: 400 })
    worker.task('count', () => void (runs += 1))
    await bench().work(worker)
    await deep.send(linked(deep))
    await until(() => runs === 121)
  })

  it('is refused with a sentence where it is too deep for the stack of the process, whatever canvasMaxDepth says', async () => {
    const app = bench().app({ canvasMaxDepth: 100_000 })
    app.task('id', (value: unknown = 1) => value)
    const inHeaders = Array.from({ length: 20_000 }).reduce<AnySignature>(
      (inner) => chord([inner, id()] as any, id()) as AnySignature,
      id(),
    )
    for (const canvas of [nested(20_000), inHeaders])
      await expect(app.send(canvas)).rejects.toThrow(/too deep for the call stack .* setting canvasMaxDepth/)
    expect((await bench().look()).messages).toEqual({})
  })

  it('may be nested 500 deep', async () => {
    const app = bench().app()
    app.task('id', (value: unknown = 1) => (Array.isArray(value) ? value.length : value))
    await bench().work(app)
    expect(await app.send(nested(500)).get({ timeout: 60 })).toBe(1)
  })
})
