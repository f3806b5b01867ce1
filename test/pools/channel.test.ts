// The channel between a worker and a child process: what is said arrives whole and in order, however it is cut.
import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Channel, openChannel } from '../../src/pools/prefork/channel.js'
import { temporaryDirectory } from '../support/processes.js'
import { until } from '../support/until.js'

let server: Server
let far: Socket
let channel: Channel
let heard: unknown[]
/** Of this test's channel: that of the one before may close late. */
let closes: { count: number }

beforeEach(async () => {
  heard = []
  const mine = { count: 0 }
  closes = mine
  const path = join(temporaryDirectory('channel'), 'socket')
  server = createServer().listen(path)
  await once(server, 'listening')
  const near = connect(path)
  ;[far] = (await once(server, 'connection')) as [Socket]
  channel = openChannel(
    near,
    (frame) => heard.push(frame),
    () => {
      mine.count += 1
    },
  )
})
afterEach(() => {
  far.destroy()
  server.close()
})

const frames = [[['ended', 1, 'ä€😀\n\u2028']], [], [['log', { text: 'x'.repeat(300_000) }]], [['full', 7]]]
const bytes = Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''))

it.each([1, 7, bytes.length])('hears frames that come in pieces of %d bytes', async (size) => {
  const short = size < 8 ? bytes.subarray(0, 40) : bytes
  for (let at = 0; at < short.length; at += size) {
    far.write(short.subarray(at, at + size))
    if (size < 8) await new Promise(setImmediate)
  }
  await until(() => heard.length === (size < 8 ? 2 : 4))
  expect(heard).toEqual(frames.slice(0, heard.length))
})

it('says frames as lines of JSON, and tells when one is on its way', async () => {
  let text = ''
  far.setEncoding('utf8').on('data', (data) => {
    text += data
  })
  await new Promise<void>((resolve) => channel.send(frames[0], resolve))
  channel.send(frames[3])
  await until(() => text === `${JSON.stringify(frames[0])}\n${JSON.stringify(frames[3])}\n`)
})

it('has heard all before it is closed, and says no more then', async () => {
  far.end(bytes)
  await until(() => closes.count === 1)
  expect([heard.length, channel.isOpen]).toEqual([4, false])
  await new Promise<void>((resolve) => channel.send([], resolve))
})

it('ends where somebody else writes on it', async () => {
  far.write('[]\nthis is no frame\n[]\n')
  await until(() => closes.count === 1)
  expect([heard, channel.isOpen]).toEqual([[[]], false])
})
