// The thread that renews leases, before a Redis that is played: one that is slow is waited for, one that is silent is
// left.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/log.js'
import { LeaseKeeper } from '../../src/redis/lease.js'
import { parseAddress } from '../../src/redis/url.js'

const ends: (() => void)[] = []
afterAll(() => {
  for (const end of ends.splice(0)) end()
})

/** `renewal` answers the requests to renew; all else is answered at once. */
const play = async (renewal: (socket: Socket, connection: number) => void): Promise<AddressInfo> => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    const connection = connections
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      const text = String(data)
      if (text.includes('SETNAME')) socket.write('+OK\r\n')
      if (text.includes('EVAL')) renewal(socket, connection)
    })
    ends.push(() => socket.destroy())
  })
  ends.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.address() as AddressInfo
}

/** Resolves when the worker has heard that its lease is renewed. */
const renewed = ({ port }: AddressInfo, leaseMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const address = parseAddress('broker', `redis://127.0.0.1:${port}/0`)
    const keeper = new LeaseKeeper(address, ['consumers', 'unacked_index'], silentLogger, () => resolve(true))
    ends.push(() => keeper.drop('c'))
    keeper.keep({ id: 'c', leaseMs, listed: null, onLost: () => undefined })
  })

/** In two pieces, for that is how it may come. */
const yes = (socket: Socket): void => {
  socket.write('*2\r\n:1')
  setImmediate(() => socket.write('000\r\n:1\r\n'))
}

it.concurrent('an answer that takes a third of the lease is heard', async () => {
  const leaseMs = 1000
  const place = await play((socket) => setTimeout(() => yes(socket), leaseMs / 3))
  expect(await renewed(place, leaseMs)).toBe(true)
})

it.concurrent('where none comes, another connection is made', async () => {
  const place = await play((socket, connection) => {
    if (connection > 1) yes(socket)
  })
  expect(await renewed(place, 800)).toBe(true)
})

it.concurrent('where it has become a replica, too: its name may lead to another one by now', async () => {
  const place = await play((socket, connection) => {
    if (connection > 1) yes(socket)
    else socket.write("-READONLY You can't write against a read only replica.\r\n")
  })
  expect(await renewed(place, 800)).toBe(true)
})
