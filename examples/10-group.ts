// Groups: tasks side by side, and one list of their results, in the group's order whoever ends first.
//
//   npx jiti examples/10-group.ts
import { createApp, group } from 'lovage'

const app = createApp('groups', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

let soupIsServed: () => void = () => undefined
const soup = new Promise<void>((resolve) => {
  soupIsServed = resolve
})

const cook = app.task('groups.cook', async (dish: string, guests: number) => {
  if (dish === 'cake') throw new RangeError('no eggs')
  if (dish === 'bread') await soup // it stays in the oven until the soup is on the table
  return `${dish} for ${guests}`
})

await app.worker({ concurrency: 4 }).start()

// Of as many members as you like, from an array or one by one. What the call gives goes to each of them in front
// of its own arguments; here each has all it needs.
const menu = group(['bread', 'soup'].map((dish) => cook.s(dish, 4)))
const result = await menu.delay()

// Each as it ends …
for await (const member of result) {
  const dish = await member.get()
  console.log('served:', dish, '|', await result.completedCount(), 'of', result.results.length)
  if (dish === 'soup for 4') soupIsServed()
}
// … and all of them in their order.
console.log(await result.get())

// One that fails stops nobody. `get` of the group would throw its error.
const dinner = await group(cook.s('cake', 2), cook.s('soup', 2)).delay()
for (const member of dinner.results)
  console.log(String(await member.get({ propagate: false })), '|', await member.state())
console.log('all of it:', await dinner.state())

// A group in a group stands in its row, and an empty one sends nothing.
console.log(
  await group(group(cook.s('soup', 1), cook.s('salad', 1)), cook.s('tea', 1))
    .delay()
    .get(),
)
console.log(await group([]).delay().get())

await app.close()
