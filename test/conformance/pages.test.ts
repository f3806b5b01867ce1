// Pages: parts of a canvas that messages refer to. They arrive with the messages and go with the completion that
// carries them on.
import { expect, test } from 'vitest'
import { onEveryEngine } from './engines.js'
import { claimOne, complete, end, messages, push } from './words.js'

const first = { graph: 'g', page: 0 }
const second = { graph: 'g', page: 1 }
const other = { graph: 'h', page: 0 }

onEveryEngine('pages', (bench) => {
  const start = async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const pages = [
      { ...first, text: '["one"]' },
      { ...second, text: '["zwei ü"]' },
    ]
    await broker.publish({ ...messages('a', 'b'), pages })
    return consumer
  }

  test('arrive with the messages of a publication', async () => {
    const consumer = await start()
    expect(await consumer.recall([second, first, other])).toEqual(['["zwei ü"]', '["one"]', null])
  })

  test('go with the completion that carries them on, and come with it', async () => {
    const consumer = await start()
    const more = {
      fence: 'a:0:0:',
      pushes: [push('next')],
      pages: [{ ...other, text: '[]' }],
      frees: [first],
    }
    await complete(consumer, end(await claimOne(consumer), more))
    expect(await consumer.recall([first, second, other])).toEqual([null, '["zwei ü"]', '[]'])
  })

  test('are not touched by a completion that is refused', async () => {
    const consumer = await start()
    await complete(consumer, end(await claimOne(consumer), { fence: 'a:0:0:' }))
    const again = { fence: 'a:0:0:', pages: [{ ...other, text: '[]' }], frees: [first] }
    expect((await complete(consumer, end(await claimOne(consumer), again))).refused).toEqual([0])
    expect(await consumer.recall([first, other])).toEqual(['["one"]', null])
  })
})
