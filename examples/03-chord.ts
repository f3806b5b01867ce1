// Groups run side by side; a chord is a group with a task behind it that gets all the results.
//
//   npx jiti examples/03-chord.ts
import { chain, chord, createApp, group } from 'lovage'

const app = createApp('chords', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

const countWords = app.task('chords.countWords', (text: string) => text.split(/\s+/).length)
const longest = app.task('chords.longest', (text: string) =>
  Math.max(...text.split(/\s+/).map((w) => w.length)),
)
const total = app.task('chords.total', (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0))
const report = app.task('chords.report', (n: number) => `${n} words`)

const pages = ['the quick brown fox', 'jumps over', 'the lazy dog']

await app.worker({ concurrency: 4 }).start()

console.log(
  await group(pages.map((page) => countWords.s(page)))
    .delay()
    .get(),
)

console.log(
  await chord(
    pages.map((page) => countWords.s(page)),
    total.s(),
  )
    .delay()
    .get(),
)

// A tuple keeps its types: (number, number) here.
console.log(await group(countWords.s('one two three'), longest.s('one two three')).delay().get())

// Canvases nest; the body may be a chain.
const whole = chord(
  pages.map((page) => countWords.s(page)),
  chain(total.s(), report.s()),
)
console.log(String(whole))
console.log(await whole.delay().get())

await app.close()
