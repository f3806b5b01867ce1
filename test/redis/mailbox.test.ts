// Listening to a server that is not there, or not as the URL says.
import { describe, expect, it } from 'vitest'
import { useRoom } from './room.js'

const room = await useRoom()

describe('who wants to listen', () => {
  it.each([
    ['where no Redis is', 0.3, (): string => 'redis://127.0.0.1:1/0', /^Cannot reach Redis at redis:/],
    [
      'in a database that there is not',
      20,
      (): string => room.server.database(99),
      /has no database of that number/,
    ],
  ] as const)('%s is told so in time', async (_, timeout, url, sentence) => {
    const { mailbox } = room.open({ brokerUrl: url(), backendUrl: url(), timeout })
    await expect(mailbox.listen('celeryev', () => undefined)).rejects.toThrow(sentence)
    await expect(mailbox.listen('celeryev', () => undefined, { anyKey: true })).rejects.toThrow(sentence)
    await mailbox.close()
  })
})
