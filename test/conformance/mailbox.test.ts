// The Mailbox port: broadcasts to who listens, replies to who waits.
import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'

const exchange = 'celery.pidbox'

onEveryEngine('mailbox', (bench) => {
  test('a broadcast reaches everybody who listens to its exchange, and nobody else', async () => {
    const { mailbox } = bench()
    const heard: string[] = []
    await mailbox.listen(exchange, (raw) => heard.push(`a ${raw}`))
    await mailbox.listen(exchange, (raw) => heard.push(`b ${raw}`))
    await mailbox.listen('other.pidbox', (raw) => heard.push(`c ${raw}`))
    await mailbox.broadcast(exchange, '1')
    await until(() => heard.length === 2)
    expect(heard.sort()).toEqual(['a 1', 'b 1'])
  })

  test('who stopped listening hears nothing more', async () => {
    const { mailbox } = bench()
    const first: string[] = []
    const second: string[] = []
    const stop = await mailbox.listen(exchange, (raw) => first.push(raw))
    await mailbox.listen(exchange, (raw) => second.push(raw))
    await stop()
    await stop()
    await mailbox.broadcast(exchange, '1')
    await until(() => second.length === 1)
    expect(first).toEqual([])
  })

  test('replies go to who waits under their key, in order', async () => {
    const { mailbox } = bench()
    const mine: string[] = []
    const others: string[] = []
    const stop = await mailbox.replies('reply.celery.pidbox', 'me', (raw) => mine.push(raw))
    await mailbox.replies('reply.celery.pidbox', 'other', (raw) => others.push(raw))
    for (const raw of ['1', '2', '3']) await mailbox.reply('reply.celery.pidbox', 'me', raw)
    await until(() => mine.length === 3)
    expect(mine).toEqual(['1', '2', '3'])
    expect(others).toEqual([])
    await stop()
  })

  test('a reply that nobody waits for is dropped', async () => {
    const { mailbox } = bench()
    await mailbox.reply('reply.celery.pidbox', 'gone', '1')
    const late: string[] = []
    await mailbox.replies('reply.celery.pidbox', 'gone', (raw) => late.push(raw))
    await mailbox.reply('reply.celery.pidbox', 'gone', '2')
    await until(() => late.length === 1)
    expect(late).toEqual(['2'])
  })

  test('listening outlives its connection, and tells that something may have been missed', async () => {
    const { mailbox, cut } = bench()
    const heard: string[] = []
    const patterned: string[] = []
    let again = 0
    await mailbox.listen(exchange, (raw) => heard.push(raw), {
      onAgain: () => {
        again += 1
      },
    })
    await mailbox.listen(exchange, (raw) => patterned.push(raw), { anyKey: true })
    const connections = await cut()
    await until(async () => {
      await mailbox.broadcast(exchange, 'x').catch(() => undefined)
      await mailbox.broadcast(exchange, 'y', 'key').catch(() => undefined)
      return heard.includes('x') && patterned.includes('y')
    })
    expect(again).toBe(connections > 0 ? 1 : 0)
  })
})
