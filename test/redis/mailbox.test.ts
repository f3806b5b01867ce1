// Listening to a server that is not there, or not as the URL says.
import { describe, expect, it } from 'vitest'
import { useRoom } from './room.js'

const room = await useRoom()

describe('who wants to listen', () => {
  it.each([
    ['where no Redis is', () => 'redis://127.0.0.1:1/0', /^Cannot reach Redis at redis:/],
    ['in a database that there is not', () => room.server.database(99), /has no database of that number/],
  ])('%s is told so in time', async (_, url, sentence) => {
    const { mailbox } = room.open({ brokerUrl: url(), backendUrl: url(), timeout: 0.3 })
    await expect(mailbox.listen('celeryev', () => undefined)).rejects.toThrow(sentence)
    await expect(mailbox.listen('celeryev', () => undefined, { anyKey: true })).rejects.toThrow(sentence)
    await mailbox.close()
  })
})
