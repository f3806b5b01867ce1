// app.dead: what could not end well is looked at, sent again when its cause is mended, and then really ends.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import type { SettingsInput } from '../../../src/config.js'
import { InvalidUsage } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('dead letters', (bench) => {
  /** A task that kills its worker until it is mended. */
  const poisonous = (settings: SettingsInput = {}) => {
    const app = bench().app(settings)
    const healed = gate()
    let isMended = false
    let runs = 0
    const bad = app.task(
      'bad',
      async (x: number) => {
        runs += 1
        if (!isMended) await healed.passed
        return 10 * x
      },
      { maxDeliveries: 1 },
    )
    const next = app.task('next', (x: number) => x + 1)
    const sum = app.task('sum', (all: number[]) => all.reduce((a, b) => a + b, 0))
    const kill = async () => {
      const [consumer] = await until(async () => {
        const found = await bench().consumers()
        return found.length > 0 ? found : undefined
      })
      await bench().lapse(consumer as string)
    }
    /** Until the one message of `bad` is a dead letter: the first start is not counted. */
    const die = async () => {
      for (const round of [1, 2]) {
        await until(() => runs === round)
        await kill()
      }
      const [letter] = await until(async () => {
        const found = await app.dead.list()
        return found.length === 1 ? found : undefined
      })
      return letter!
    }
    const mend = () => {
      isMended = true
      healed.open()
    }
    return { app, bad, next, sum, die, mend, runs: () => runs }
  }

  const sentAgain = (id: string) => [{ id, sent: true, trouble: null }]

  it('of a message too large to be read are told to who waits for it, too', async () => {
    const app = bench().app()
    await bench().work(app)
    const whole = { body: 'A'.repeat(17 << 20), headers: { task: 'big', id: 'too-big' }, properties: {} }
    const push = { queue: 'celery', priority: 0, raw: JSON.stringify(whole) }
    await (await app.broker()).publish({ pushes: [push], chords: [] })
    await expect(app.result('too-big').get(wait)).rejects.toThrow(
      'Expected a message of at most 16777216 bytes, got one of ',
    )
    const [letter] = await app.dead.list()
    expect(letter).toMatchObject({ task: 'big', taskId: 'too-big' })
    await app.dead.purge()
  })

  it('is shown with its reason and message, and sent again once: its result replaces the FAILURE', async () => {
    const { app, bad, die, mend, runs } = poisonous()
    await bench().work(app)
    const result = await bad.delay(4)
    const letter = await die()
    await expect(result.get(wait)).rejects.toThrow('was started 1 times and never ended')
    expect(await app.dead.show(letter.id)).toEqual(letter)
    expect(letter).toMatchObject({ task: 'bad', taskId: result.id, attempts: 1, lastWorker: 'w1@host' })
    expect(letter.raw.toString()).toContain(result.id)
    mend()
    const twice = await Promise.all([app.dead.retry(letter.id), app.dead.retry([letter.id])])
    expect(twice.flat().filter(({ sent }) => sent)).toEqual(sentAgain(letter.id))
    expect(twice.flat().filter(({ sent }) => !sent)).toEqual([
      { id: letter.id, sent: false, trouble: expect.stringContaining('there is no such letter') },
    ])
    // A handle that has told an end keeps it: another one asks again.
    expect(await app.result(result.id).get(wait)).toBe(40)
    expect(runs()).toBe(3)
    expect(await app.dead.show(letter.id)).toBeNull()
  })

  it('may die again: then it is a letter again, a FAILURE, and can be sent again', async () => {
    const { app, bad, die, mend, runs } = poisonous()
    await bench().work(app)
    const result = await bad.delay(4)
    const first = await die()
    expect(await app.dead.retry(first.id)).toEqual(sentAgain(first.id))
    await until(() => runs() === 3)
    for (const round of [3, 4]) {
      await until(() => runs() === round)
      const [consumer] = await bench().consumers()
      await bench().lapse(consumer!)
    }
    const [second] = await until(async () => {
      const found = await app.dead.list()
      return found.length === 1 ? found : undefined
    })
    expect(second!.id).not.toBe(first.id)
    await expect(app.result(result.id).get(wait)).rejects.toThrow('never ended')
    mend()
    await app.dead.retry(second!.id)
    expect(await app.result(result.id).get(wait)).toBe(40)
  })

  it('in a chain: the steps behind it, which had failed with it, run', async () => {
    const { app, bad, next, die, mend } = poisonous()
    await bench().work(app)
    const result = await chain(bad.s(4), next.s(), next.s()).delay()
    const letter = await die()
    await expect(result.get(wait)).rejects.toThrow('never ended')
    mend()
    expect(await app.dead.retry(letter.id)).toEqual(sentAgain(letter.id))
    expect(await app.result(result.id).get(wait)).toBe(42)
  })

  it('whose steps lay behind a reference: they are gone, so it fails and says so, as do those behind it', async () => {
    const { app, bad, next, die, mend } = poisonous()
    const worker = await bench().work(app)
    const steps = Array.from({ length: 60 }, () => next.s())
    const result = await chain(bad.s(4), ...(steps as [(typeof steps)[0]])).delay()
    const letter = await die()
    await expect(result.get(wait)).rejects.toThrow('never ended')
    // Who told the failure remembers for a while what it read for that.
    await worker.stop({ cold: true })
    await bench().work(app)
    mend()
    expect(await app.dead.retry(letter.id)).toEqual(sentAgain(letter.id))
    await expect(app.result(letter.taskId!).get(wait)).rejects.toThrow('is not in the broker any more')
    await expect(app.result(result.id).get(wait)).rejects.toThrow('is not in the broker any more')
    expect(await bench().graphs()).toEqual([])
  })

  describe('in a chord', () => {
    it('that still waits: its part is taken back, and the body gets the new one', async () => {
      const { app, bad, next, sum, die, mend } = poisonous()
      // Its code is elsewhere: with results on another server that is where the chord stands.
      const other = bench().app()
      other.task('slow', () => 1)
      const slow = app.declare<() => number>('slow', { queue: 'slow' })
      await bench().work(app, { queues: ['celery'] })
      const result = await chord([chain(bad.s(4), next.s()), slow.s()], sum.s()).delay()
      const letter = await die()
      mend()
      expect(await app.dead.retry(letter.id)).toEqual(sentAgain(letter.id))
      await bench().work(other, { queues: ['slow'], hostname: 'slow@host' })
      expect(await result.get(wait)).toBe(42)
      await until(async () => (await bench().unfinished()).length === 0)
    })

    it('that went on without it: it is not sent, the letter stays', async () => {
      const { app, bad, next, sum, die, mend, runs } = poisonous()
      await bench().work(app)
      const result = await chord([bad.s(4), next.s(0)], sum.s()).delay()
      const letter = await die()
      await expect(result.get(wait)).rejects.toThrow()
      mend()
      expect(await app.dead.retry(letter.id)).toEqual([
        { id: letter.id, sent: false, trouble: expect.stringContaining('its chord went on without it') },
      ])
      expect(await app.dead.show(letter.id)).toEqual(letter)
      expect(runs()).toBe(2)
      expect(await app.dead.purge(letter.id)).toBe(1)
    })
  })

  it('which nobody can read keeps its bytes, and is dead again after a retry', async () => {
    const { app } = poisonous()
    await bench().work(app)
    await (await app.broker()).publish({
      pushes: [{ queue: 'celery', priority: 0, raw: '{"a":' }],
      chords: [],
    })
    const only = () =>
      until(async () => {
        const found = await app.dead.list({ limit: 5 })
        return found.length === 1 ? found : undefined
      })
    const [letter] = await only()
    expect(letter).toMatchObject({ taskId: null, task: null, raw: Buffer.from('{"a":') })
    expect(await app.dead.retry(letter!.id)).toEqual(sentAgain(letter!.id))
    const [again] = await only()
    expect(again!.id).not.toBe(letter!.id)
    expect(await app.dead.purge()).toBe(1)
  })

  it('of a queue with signed bodies is sent again only by an app with the keys: others cannot tell what it left', async () => {
    const pem = (name: string) => new URL(`../../redis/tls/${name}.pem`, import.meta.url).pathname
    const keys: SettingsInput = {
      taskQueues: { celery: { signed: 'auth' } },
      securityCertStore: pem('cert'),
      securityKey: readFileSync(pem('key'), 'utf8'),
      securityCertificate: readFileSync(pem('cert'), 'utf8'),
    }
    const { app, bad, die, mend } = poisonous(keys)
    await bench().work(app)
    const result = await bad.delay(4)
    const letter = await die()
    mend()
    const stranger = bench().app()
    expect(await stranger.dead.retry(letter.id)).toEqual([
      { id: letter.id, sent: false, trouble: expect.stringContaining('it cannot be read here.') },
    ])
    expect(await app.dead.show(letter.id)).toEqual(letter)
    expect(await app.dead.retry(letter.id)).toEqual(sentAgain(letter.id))
    expect(await app.result(result.id).get(wait)).toBe(40)
  })

  it('says what cannot be', async () => {
    const { app } = poisonous()
    await expect(app.dead.show('')).rejects.toThrow(InvalidUsage)
    await expect(app.dead.retry([1 as never])).rejects.toThrow('expected ids of dead letters, got 1')
    await expect(app.dead.list({ limit: -1 })).rejects.toThrow('expected a whole number as limit, got -1')
    expect(await app.dead.show('nobody')).toBeNull()
    expect(await app.dead.retry('nobody')).toMatchObject([{ sent: false }])
    expect(await app.dead.purge(['nobody'])).toBe(0)
  })
})
