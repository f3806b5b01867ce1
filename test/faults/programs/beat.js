// A beat as a user would write one, for the fault campaign. It runs what is published (dist). The clock of its
// host jumps when it is told so: each SIGUSR2 is the next of `jumps`, in ms.
const { broker, team, jumps } = JSON.parse(process.env.FAULTS)

const realNow = Date.now
let offMs = 0
globalThis.Date = new Proxy(Date, {
  construct: (real, words) => (words.length === 0 ? new real(realNow() + offMs) : new real(...words)),
})
Date.now = () => realNow() + offMs
process.on('SIGUSR2', () => {
  offMs = jumps.shift() ?? 0
  console.log(`the clock of this host is off by ${offMs} ms`)
})

const { createApp, createLogger } = await import('lovage')
const app = createApp(team, { broker })
const nap = app.declare('faults.nap')
// By a clock that is an hour off each run would have expired, or would last two.
const options = { queue: 'faults', expires: 600 }
app.beat.every('all', 0.25, nap.si(0, 0), { ...options, catchUp: 'all' })
app.beat.every('last', 1, nap.si(1, 0), { ...options, catchUp: 'last' })
await app.beat.start({ log: createLogger({ level: 'INFO' }) })
console.log('ready')
process.on('SIGTERM', () => app.close())
