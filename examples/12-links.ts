// Links: what runs beside the flow. A callback gets the result of a task, an errback is called when it failed.
//
//   npx jiti examples/12-links.ts
import { chain, createApp } from 'lovage'

const app = createApp('links', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

const inbox: string[] = []
/** Callbacks run by themselves: whoever wants to see them has to wait for them. */
const mail = async (letters: number) => {
  while (inbox.length < letters) await new Promise((resolve) => setTimeout(resolve, 10))
  return inbox.splice(0).sort()
}

const charge = app.task('links.charge', (customer: string, amount: number) => {
  if (amount > 100) throw new RangeError(`${customer} has not got ${amount}`)
  return `${customer} paid ${amount}`
})
const ship = app.task('links.ship', (payment: string) => `shipped, for ${payment}`)
const receipt = app.task('links.receipt', (payment: string) => void inbox.push(`receipt: ${payment}`))
const burn = app.task('links.burn', (payment: string): never => {
  throw new Error(`the archive burns, and with it: ${payment}`)
})
/** With `errback: 'full'` it gets the request and the error; without, the id of the task that failed. */
const apologize = app.task(
  'links.apologize',
  (request: { task: string | null }, error: Error) =>
    void inbox.push(`sorry: ${request.task}, ${error.message}`),
  { errback: 'full' },
)
const note = app.task('links.note', (failedId: string) => void inbox.push(`noted: ${failedId}`))

await app.worker({ concurrency: 4 }).start()

// The callback runs beside the next step of the chain; both get the payment. `link` makes a new signature, as
// every change of one does, and a callback that does not take what comes out does not compile.
const order = chain(charge.s('Ann', 30).link(receipt.s()), ship.s())
console.log(await order.delay().get())
console.log(await mail(1))

// An errback of a chain belongs to each step: the one that fails calls it, those behind it do not.
const failed = await chain(charge.s('Bob', 300), ship.s())
  .linkError(apologize.s())
  .linkError(note.s())
  .delay()
console.log(String(await failed.get({ propagate: false })))
const [noted, sorry] = await mail(2)
console.log(sorry)
console.log('noted the id of the step that failed:', noted === `noted: ${failed.parent!.id}`)

// A callback that fails takes nothing from the task, which has succeeded; it has errbacks of its own.
const paid = await charge.s('Cid', 20).link(burn.s().linkError(apologize.s())).link(receipt.s()).delay()
console.log(await paid.get())
console.log(await mail(2))

await app.close()
