// Results hang together: what a step came from, what a task sent, what a group holds. They can be walked, collected,
// kept under a name, and forgotten as a whole.
//
//   npx jiti examples/15-result-trees.ts
import { chain, createApp, group, type ResultGraph } from 'lovage'

const app = createApp('trees', {
  broker: process.env.LOVAGE_BROKER_URL ?? 'memory://',
  resultExtended: true, // so that results know their task's name
})

const plant = app.task('trees.plant', (name: string) => name)
const grow = app.task('trees.grow', async (name: string) => {
  // Sent from inside a task, and not waited for: these are its children.
  await plant.delay(`a leaf of the ${name}`)
  await group(['left', 'right'].map((side) => plant.s(`the ${side} branch of the ${name}`))).delay()
  return `a grown ${name}`
})

await app.worker({ concurrency: 4 }).start()

const result = await chain(plant.s('oak'), grow.s()).delay()
console.log(await result.get(), '| before that:', await result.parent!.get())

// What grow sent, and how many there are.
const children = await result.children()
console.log(children.length, 'children')

// All values below a result, each once, breadth first, as they come in. A group counts as one, then its members.
for await (const [, value] of result.collect()) console.log('-', value)

// The whole tree at once, as data with the states of this moment.
const lines = ({ kind, name, state, children: below }: ResultGraph, depth = 0): string[] => [
  `${'  '.repeat(depth)}${name ?? kind} ${state}`,
  ...below.flatMap((child) => lines(child, depth + 1)),
]
const graph = await result.graph()
console.log(lines(graph).join('\n'))
console.log('its parent:', graph.parent?.name, graph.parent?.state)

// A group's members are known to whoever sent it. To be found by others, it is saved under its id.
const forest = await group(plant.s('elm'), plant.s('ash')).delay()
await forest.save()
const restored = await app.groupResult.restore(forest.id) // in another process, in Python, tomorrow
console.log(await restored?.get())

// Results expire after a day (`resultExpires`); this one is dropped now, with all that it sent.
await result.forget({ children: true })
console.log(await result.state(), await children[0]!.state())

await app.close()
