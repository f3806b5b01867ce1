// Work that finds out while it runs how much work there is: `this.replace` puts a canvas in the place of a running
// task, `this.addToChord` adds one more member to the chord that the task runs in.
//
//   npx jiti examples/13-replace.ts
import { chain, chord, createApp } from 'lovage'

const app = createApp('replace', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

type Folder = { readonly [name: string]: number | Folder }

const sum = app.task('replace.sum', (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0))
const inWords = app.task('replace.inWords', (size: number) => `${size} bytes`)

// A folder's size is the sum of its parts' sizes: each folder replaces itself by a chord over what it finds, which
// may do the same. The type of the function says what the canvas must give.
let calls = 0
const sizeOf = app.task('replace.sizeOf', function (entry: number | Folder): number {
  calls += 1
  if (typeof entry === 'number') return entry
  return this.replace(
    chord(
      Object.values(entry).map((part) => sizeOf.s(part)),
      sum.s(),
    ),
  )
})

await app.worker({ concurrency: 4 }).start()

const home: Folder = {
  'letter.txt': 20,
  photos: { 'cat.jpg': 400, 'dog.jpg': 500, '2024': { 'sea.jpg': 800 } },
  src: { 'main.ts': 30 },
}
// Who waits for the task knows nothing of it: the result comes under its own id, and the chain goes on with it.
console.log(await chain(sizeOf.s(home), inWords.s()).delay().get(), 'in', calls, 'calls')

// A crawler: a page that is visited for the first time adds what it links to. The body runs when no page is left.
const site: Readonly<Record<string, readonly string[]>> = {
  home: ['news', 'about'],
  news: ['home', 'archive'],
  about: ['home'],
  archive: ['news'],
}
const seen = new Set(['home']) // in this process, as there is one worker; else in a database
const visit = app.task('replace.visit', function (page: string) {
  for (const next of site[page] ?? [])
    if (!seen.has(next)) {
      seen.add(next)
      this.addToChord(visit.s(next))
    }
  return page
})
const siteMap = app.task('replace.siteMap', (pages: readonly string[]) => [...pages].sort().join(', '))

console.log(
  await chord([visit.s('home')], siteMap.s())
    .delay()
    .get(),
)

await app.close()
