// What sentinels tell, played by servers that say what the test wants.
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Link } from '../../src/redis/link.js'
import { MasterWatch } from '../../src/redis/master-watch.js'
import { parseAddress } from '../../src/redis/url.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const servers: FakeSentinel[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`

/** Knows one master, and tells those who listen of the next one. */
class FakeSentinel {
  readonly sockets = new Set<Socket>()
  asked = 0
  readonly #server: Server

  private constructor(public answer: string) {
    this.#server = createServer((socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => undefined)
      socket.once('data', () => {
        this.asked += 1
        socket.write(this.answer)
      })
    })
  }

  static async start(answer: string): Promise<FakeSentinel> {
    const sentinel = new FakeSentinel(answer)
    await new Promise<void>((resolve) => void sentinel.#server.listen(0, '127.0.0.1', resolve))
    servers.push(sentinel)
    return sentinel
  }

  get place() {
    return { host: '127.0.0.1', port: (this.#server.address() as { port: number }).port }
  }

  tell(text: string): void {
    for (const socket of this.sockets) socket.write(text)
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  close(): void {
    this.hangUp()
    this.#server.close()
  }
}

const subscribed = `*3\r\n${bulk('subscribe')}${bulk('+switch-master')}:1\r\n`
const knows = (port: number): string => `*2\r\n${bulk('127.0.0.1')}${bulk(String(port))}${subscribed}`
const switched = (port: number, name = 'm'): string =>
  `*3\r\n${bulk('message')}${bulk('+switch-master')}${bulk(`${name} 127.0.0.1 1 127.0.0.1 ${port}`)}`

const watching = (...sentinels: FakeSentinel[]) => {
  const places = sentinels.map(({ place }) => place)
  const watch = new MasterWatch({ places, master: 'm', username: null, password: null, tls: null })
  let moves = 0
  watch.listen(() => void moves++)
  return { watch, moves: () => moves }
}

const portOf = async (watch: MasterWatch): Promise<number> => (await watch.find()).port

describe('a watch of the master', () => {
  it('asks once, and knows the next one without asking, in whatever pieces it is told', async () => {
    const sentinel = await FakeSentinel.start(knows(1001))
    const { watch, moves } = watching(sentinel)
    expect(await Promise.all([portOf(watch), portOf(watch)])).toEqual([1001, 1001])
    sentinel.tell(switched(9, 'another'))
    for (const byte of switched(1002)) {
      sentinel.tell(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => moves() === 1)
    sentinel.tell(switched(1003) + switched(1004))
    await until(() => moves() === 3)
    expect(await portOf(watch)).toBe(1004)
    expect(sentinel.asked).toBe(1)
  })

  it('asks the next one when the first is gone, and hears what it missed', async () => {
    const [first, second] = [await FakeSentinel.start(knows(1001)), await FakeSentinel.start(knows(1002))]
    const { watch, moves } = watching(first, second)
    expect(await portOf(watch)).toBe(1001)
    first.close()
    await until(() => moves() === 1)
    expect(await portOf(watch)).toBe(1002)
  })

  it('asks another one when what it was told is in doubt: that one may be behind the times', async () => {
    const [first, second] = [await FakeSentinel.start(knows(1001)), await FakeSentinel.start(knows(1002))]
    const { watch } = watching(first, second)
    const place = await watch.find()
    watch.doubt(place)
    watch.doubt(place)
    expect(await portOf(watch)).toBe(1002)
    expect([first.asked, second.asked]).toEqual([1, 1])
  })

  it.each([
    ['-NOAUTH Authentication required.\r\n', 'NOAUTH Authentication required.'],
    [`-ERR no password is set\r\n${knows(1)}`, 'ERR no password is set'],
    ['*-1\r\n', 'it knows none of this name'],
  ])('says of each sentinel why it did not tell: %j', async (answer, why) => {
    const sentinel = await FakeSentinel.start(answer)
    const { host, port } = sentinel.place
    await expect(watching(sentinel).watch.find()).rejects.toThrow(
      `no sentinel tells where "m" is: ${host}:${port}: ${why}`,
    )
  })

  it('leaves when nobody listens any more', async () => {
    const sentinel = await FakeSentinel.start(knows(1001))
    const { watch } = watching(sentinel)
    const other = (): void => undefined
    watch.listen(other)
    await watch.find()
    expect(sentinel.sockets.size).toBe(1)
    const alone = new MasterWatch({
      places: [sentinel.place],
      master: 'm',
      username: null,
      password: null,
      tls: null,
    })
    alone.listen(other)
    await alone.find()
    alone.leave(other)
    await until(() => sentinel.sockets.size === 1)
  })
})

describe('a connection', () => {
  it('leaves a master that was replaced, although that goes on', async () => {
    const [one, two] = [await startRedis({ own: true }), await startRedis({ own: true })]
    const sentinel = await FakeSentinel.start(knows(one.port))
    const { host, port } = sentinel.place
    const link = new Link({
      address: parseAddress('broker', `sentinel://${host}:${port}?master=m`),
      name: 't',
    })
    link.hold()
    await link.whenUp()
    expect(link.master).toBe(`127.0.0.1:${one.port}`)
    sentinel.tell(switched(two.port))
    await until(() => link.up && link.master === `127.0.0.1:${two.port}`)
    await link.send('set', ['key', 'value'])
    link.free()
    link.close()
    await until(() => sentinel.sockets.size === 0)
  })

  it('leaves a replica, and asks another sentinel', async () => {
    const one = await startRedis({ own: true })
    const two = await startRedis({ own: true, args: ['--replicaof', one.host, String(one.port)] })
    const [late, right] = [
      await FakeSentinel.start(knows(two.port)),
      await FakeSentinel.start(knows(one.port)),
    ]
    const places = [late, right].map(({ place }) => `${place.host}:${place.port}`).join(',')
    const link = new Link({ address: parseAddress('broker', `sentinel://${places}?master=m`), name: 't' })
    link.hold()
    await link.whenUp()
    expect(link.master).toBe(`127.0.0.1:${one.port}`)
    link.free()
    link.close()
  })
})
