// Pictures: a canvas before it runs, and its results while it does. The text is Mermaid's, which GitHub draws, as
// many editors do; `toDot` is the same for Graphviz. On the command line: lovage -A app.ts graph <task or id>
//
//   npx jiti examples/16-pictures.ts
import { chord, createApp, print, toMermaid } from 'lovage'

const app = createApp('pictures', {
  broker: process.env.LOVAGE_BROKER_URL ?? 'memory://',
  resultExtended: true,
  taskTrackStarted: true,
})

let open: () => void = () => undefined
const opened = new Promise<void>((resolve) => {
  open = resolve
})

const frame = app.task('frame', (n: number) => `frame ${n}`)
const sound = app.task('sound', async () => {
  await opened // nothing is heard before the door opens
  throw new Error('silence')
})
const film = app.task('film', (parts: readonly string[]) => parts.join(' + '))

await app.worker({ concurrency: 10 }).start()

// In one line, and as a picture. Many members that are alike are one box.
const frames = Array.from({ length: 24 }, (_, n) => frame.s(n + 1))
console.log(print(chord(frames, film.s())))
console.log(toMermaid(chord([...frames, sound.s()], film.s())))

// While it runs: the frames are there, the sound has begun, and the film waits for it. (A result has its task's name
// as soon as something is stored of it.)
const result = await chord([frame.s(1), frame.s(2), sound.s()], film.s()).delay()
const [first, second, last] = await result.parent!.children()
await first!.get()
await second!.get()
for await (const { state } of last!.updates()) if (state === 'STARTED') break
console.log(toMermaid(await result.graph()))

// When it has ended: one member failed, and so did the film, without having run.
open()
console.log(String(await result.get({ propagate: false })).replace(/Dependency \S+/, 'Dependency …'))
console.log(toMermaid(await result.graph()))

await app.close()
