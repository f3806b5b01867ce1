// One suite, every store of periodic entries: Redis, memory, a file.
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { FileStore } from '../../src/beat/file-store.js'
import type { ScheduleStore, Stored } from '../../src/beat/store.js'
import { silentLogger } from '../../src/log.js'
import { roomOf } from '../../src/memory/room.js'
import { MemoryScheduleStore } from '../../src/memory/schedule-store.js'
import { openRedisSchedules } from '../../src/redis/schedule-store.js'
import { temporaryDirectory } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'

let server: TestRedis
let directory: string
let unique = 0

beforeAll(async () => {
  server = await startRedis()
  directory = temporaryDirectory('stores')
})
afterAll(() => server.stop())

const path = () => join(directory, `beat-${unique}.json`)

const stores: Readonly<Record<string, () => ScheduleStore>> = {
  redis: () =>
    openRedisSchedules({ brokerUrl: server.url, globalKeyPrefix: `t${unique}:`, timeout: 4 }, 'app'),
  memory: () => new MemoryScheduleStore('memory://', roomOf(`store-${unique}`), 'app'),
  file: () => new FileStore(path(), silentLogger),
}

const all = async (store: ScheduleStore): Promise<readonly Stored[]> => {
  const found: Stored[] = []
  for await (const page of store.pages()) found.push(...page)
  return found
}

const definition = (what: unknown) => JSON.stringify({ what })
const state = JSON.stringify({ runs: 0 })

describe.each(Object.entries(stores))('a store of entries (%s)', (kind, open) => {
  let one: ScheduleStore
  let two: ScheduleStore

  beforeEach(() => {
    unique += 1
    one = open()
    two = open()
  })
  afterEach(async () => {
    await one.close()
    await two.close()
  })

  it('is empty at first', async () => {
    expect(await all(one)).toEqual([])
    expect(await one.get(['none'])).toEqual([undefined])
    expect(await one.remove('none')).toBe(false)
    expect(await one.history('none', 5)).toEqual([])
  })

  it('keeps what is put, with any name, and shows it to others', async () => {
    for (const name of ['plain', 'with : and "quotes"', 'ünï 🥬']) {
      expect(await one.put(name, definition(name), { state })).toBe(true)
      expect(await two.get([name])).toEqual([
        { name, definition: definition(name), revision: 1, state, stateRevision: 1 },
      ])
    }
    expect((await all(two)).map(({ name }) => name).sort()).toEqual([
      'plain',
      'with : and "quotes"',
      'ünï 🥬',
    ])
  })

  it('is changed only by who saw the last change; its state stays', async () => {
    expect(await one.put('a', definition(1), { state, expect: 0 })).toBe(true)
    expect(await two.put('a', definition('other'), { state, expect: 0 })).toBe(false)
    expect(await two.put('a', definition(2), { state: '{"runs":9}', expect: 1 })).toBe(true)
    expect(await one.put('a', definition(3), { state, expect: 1 })).toBe(false)
    expect(await one.get(['a'])).toMatchObject([{ definition: definition(2), revision: 2, state }])
    expect(await one.remove('a', 1)).toBe(false)
    expect(await one.remove('a', 2)).toBe(true)
    expect(await all(two)).toEqual([])
  })

  it('loses none of many changes made at once', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `entry-${index}`)
    await Promise.all(names.map((name, i) => (i % 2 ? one : two).put(name, definition(name), { state })))
    expect((await all(one)).map(({ name }) => name).sort()).toEqual([...names].sort())
  })

  // Within a second, where nobody else uses the machine.
  it('tells of each change soon, by name; and of everything at first', async () => {
    const heard: (readonly string[] | null)[] = []
    const stop = one.watch(
      (names) => heard.push(names),
      (error) => heard.push([error.message]),
    )
    await until(() => heard.includes(null))
    heard.length = 0
    const hears = (name: string) => until(() => heard.some((names) => names === null || names.includes(name)))
    await two.put('a', definition(1), { state })
    await hears('a')
    heard.length = 0
    await two.put('a', definition(2), { state })
    await hears('a')
    heard.length = 0
    await two.remove('a')
    await hears('a')
    stop()
    heard.length = 0
    await two.put('b', definition(1), { state })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heard).toEqual([])
  })

  it(`says where a state is written: ${kind === 'file' ? 'apart' : 'in the broker'}`, () => {
    expect(one.place).toBe(kind === 'file' ? 'apart' : 'broker')
    expect(one.url).not.toBe('')
  })
})

describe('a file of entries', () => {
  const open = () => new FileStore(path(), silentLogger)
  beforeEach(() => {
    unique += 1
  })

  it('keeps states and history, also of one who is killed in the middle of a write', async () => {
    const one = open()
    await one.put('a', definition(1), { state })
    await one.save([{ name: 'a', state: '{"runs":1}', revision: 1, line: '{"kind":"run"}' }])
    expect(await one.get(['a'])).toMatchObject([{ state: '{"runs":1}', stateRevision: 2 }])
    await one.close()
    const [half, lock] = [`${path()}.1.tmp`, `${path()}.lock`]
    writeFileSync(half, '{"version":1,"ent')
    mkdirSync(lock)
    utimesSync(lock, 1, 1)
    const two = open()
    expect(await two.get(['a'])).toMatchObject([{ state: '{"runs":1}', stateRevision: 2, revision: 1 }])
    expect(await two.history('a', 5)).toEqual(['{"kind":"run"}'])
    await two.put('b', definition(1), { state })
    expect([existsSync(half), existsSync(lock)]).toEqual([false, false])
    await two.close()
  })

  it('is written once for all changes that come at once, each with its own answer', async () => {
    const one = open()
    const stringify = vi.spyOn(JSON, 'stringify')
    const names = Array.from({ length: 500 }, (_, index) => `entry-${index}`)
    const put = (name: string) => one.put(name, definition(name), { state, expect: 0 })
    expect(await Promise.all([...names, 'entry-7'].map(put))).toEqual([...names.map(() => true), false])
    const writes = stringify.mock.calls.filter(([, , indent]) => indent === 2)
    stringify.mockRestore()
    expect(writes).toHaveLength(1)
    expect(await all(open())).toHaveLength(500)
    await one.close()
  })

  it('can be read by a person, and loses no digit', async () => {
    const one = open()
    const big = '{"what":12345678901234567890}'
    await one.put('plain', definition('x'), { state })
    await one.put('big', big, { state })
    const document = JSON.parse(readFileSync(path(), 'utf8'))
    expect(document.entries.plain).toMatchObject({ definition: { what: 'x' }, state: { runs: 0 } })
    expect(((await open().get(['big'])) as Stored[])[0]).toMatchObject({ definition: big })
    await one.close()
  })

  it('that is broken, newer or half wrong says so; the rest of it is read, and left as it is', async () => {
    writeFileSync(path(), 'shelve')
    await expect(all(open())).rejects.toThrow(/^The beat file .*json is broken: expected JSON with "entries"/)
    writeFileSync(path(), '{"version": 7, "entries": {}}')
    await expect(all(open())).rejects.toThrow('is of version 7, and this Lovage reads up to 1')
    const good = { definition: { what: 1 }, revision: 1, state: { runs: 0 }, stateRevision: 1, history: [] }
    writeFileSync(path(), JSON.stringify({ version: 1, entries: { good, odd: 5 } }))
    const store = open()
    expect(await all(store)).toMatchObject([
      { name: 'good' },
      { name: 'odd', trouble: expect.stringContaining('expected { definition, state }') },
    ])
    await store.put('more', definition(1), { state })
    expect(JSON.parse(readFileSync(path(), 'utf8')).entries.odd).toBe(5)
    await store.close()
  })

  it('in a place that cannot be written to, or read, says so', async () => {
    await expect(all(new FileStore(directory, silentLogger))).rejects.toThrow(
      /^The beat file .* cannot be read: /,
    )
    const store = new FileStore(join(directory, 'nowhere', 'beat.json'), silentLogger)
    await expect(store.put('a', definition(1), { state })).rejects.toThrow(
      /cannot be written: .* Is .* a directory/,
    )
  })
})
