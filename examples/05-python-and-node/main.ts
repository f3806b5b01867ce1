// Node and Python Celery on one Redis: each calls the other's tasks, and chains run on both.
// It needs a Redis, and Python with Celery (PYTHON names the interpreter; default python3):
//
//   pip install 'celery[redis]'
//   LOVAGE_BROKER_URL=redis://localhost:6379/0 npx jiti examples/05-python-and-node/main.ts
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chain, createApp, group, type RemoteTaskError } from 'lovage'

const broker = process.env.LOVAGE_BROKER_URL ?? 'redis://localhost:6379/0'
const python = process.env.PYTHON ?? 'python3'
const here = {
  cwd: fileURLToPath(new URL('.', import.meta.url)),
  env: { ...process.env, LOVAGE_BROKER_URL: broker },
}

if (spawnSync(python, ['-c', 'import celery, redis']).status !== 0) {
  console.error(
    `${python} has no Celery. Install it: pip install 'celery[redis]', or set PYTHON to one that has it.`,
  )
  process.exit(1)
}

// Node's own tasks, on the queue "js"; those of proj.py with their types, on "python".
const app = createApp('shop', { broker, taskDefaultQueue: 'js' })

const lengths = app.task('js.lengths', (text: string) => text.split(' ').map((word) => word.length))
const repeat = app.task(
  'js.repeat',
  (text: string, times: number) => {
    if (times < 0) throw Object.assign(new Error('times must not be negative'), { name: 'ValueError' })
    return text.repeat(times)
  },
  { params: ['text', 'times'] }, // so that Python's keyword arguments bind
)
const told: string[] = []
const tell = app.task('js.tell', (failedId: string) => told.push(failedId))

const mean = app.declare<(numbers: number[]) => number>('proj.mean', { queue: 'python' })
const parse = app.declare<(text: string) => number>('proj.parse', { queue: 'python' })

await app.worker({ concurrency: 4 }).start()
const worker = spawn(
  python,
  ['-m', 'celery', '-A', 'proj', 'worker', '-Q', 'python', '-P', 'solo', '-l', 'ERROR'],
  {
    ...here,
    stdio: 'ignore',
  },
)

process.on('exit', () => worker.kill())

const get = { timeout: 30 }
console.log('Node calls Python:', await mean.delay([1, 2, 6]).get(get))

const result = await chain(lengths.s('a chain on both sides'), mean.s(), repeat.si('na', 2)).delay()
console.log('chain js | py | js:', await result.get(get), 'after', await result.parent!.get(get))

console.log(
  'group of both:',
  await group(mean.s([2, 4]), repeat.s('ab', 2))
    .delay()
    .get(get),
)

const failed = await parse.s('three').linkError(tell.s()).delay()
await failed.get(get).catch((error: RemoteTaskError) => {
  console.log(`Python's error in Node: ${error.excType}: ${error.message}`)
})
while (told.length === 0) await setTimeout(10) // an errback is a task of its own
console.log('errback in Node:', told[0] === failed.id ? 'got the failed id' : 'got another id')

// And the other way round: proj.py as a client of Node's tasks.
const client = spawn(python, ['proj.py'], { ...here, stdio: ['ignore', 'inherit', 'inherit'] })
const [code] = await once(client, 'exit')

worker.kill()
await once(worker, 'exit')
await app.close()
process.exitCode = code as number
