// Instances of the user's own classes as arguments and results, once the class is registered.
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { silentLogger } from '../../src/log.js'
import { answerTo } from './sentences.js'

class Money {
  constructor(
    readonly cents: number,
    readonly currency: string,
  ) {}
  get text(): string {
    return `${this.cents / 100} ${this.currency}`
  }
}

it('travel there and back as what they are', async () => {
  const app = createApp('shop', { broker: 'memory://classes' }).registerClass(Money, 'shop.Money')
  const seen: unknown[] = []
  const double = app.task('shop.double', (price: Money) => {
    seen.push(price)
    return new Money(price.cents * 2, price.currency)
  })
  await app.worker({ log: silentLogger }).start()
  const result = await double.delay(new Money(150, 'EUR')).get({ timeout: 20 })
  expect(seen[0]).toBeInstanceOf(Money)
  expect(result).toBeInstanceOf(Money)
  expect(result.text).toBe('3 EUR')
  await app.close()
})

it('are refused until then, with the word that registers them', async () => {
  class Unknown {
    readonly n = 1
  }
  const app = createApp('shop', { broker: 'memory://classes' })
  expect(await answerTo(() => app.sendTask('shop.any', [new Unknown()]))).toBe(
    'EncodeError: argument 1 of shop.any is an instance of Unknown, which the other side could not rebuild. Send ' +
      'plain data ({ ...value }), give the class a toJSON(), or register it on both sides: app.registerClass(Unknown).',
  )
  expect(await answerTo(() => app.registerClass('Unknown' as never))).toBe(
    'InvalidUsage: app.registerClass: expected a class and perhaps a name, got string.',
  )
})
