// The program of a pool's child, process or thread: loads the user's modules once, then runs tasks with all that
// their context promises. What it needs of the broker it opens itself when user code sends something; results
// and states go through the parent, who alone completes anything.
import { randomUUID } from 'node:crypto'
import { isMainThread } from 'node:worker_threads'
import type { ChildCargo, ChildFacts } from './app-cargo.js'
import { markChild } from './app-child.js'
import { App } from './app.js'
import { catchOutput } from './child-output.js'
import { ImproperlyConfigured } from './errors.js'
import { importModule } from './load.js'
import { fieldsJson, loggerOf } from './log.js'
import type { FromChild } from './pools/children/messages.js'
import { type Ask, type ChildHandler, serve } from './pools/children/serve.js'
import type { ChildLine, Json } from './pools/pool.js'
import { processLine } from './pools/prefork/line.js'
import { watchItself, watchParent } from './pools/prefork/watch-parent.js'
import { threadLine } from './pools/threads/line.js'
import { farCarrier } from './runtime/worker/far-carrier.js'
import type { TaskSignalling } from './runtime/task-signals.js'
import { type ParcelMeans, runParcel } from './runtime/worker/run-parcel.js'
import { contextTools } from './runtime/worker/run-task.js'

type Say = (line: ChildLine) => void

const appOf = (name: string, modules: readonly string[]): App => {
  const apps = App.named(name)
  const [app] = apps
  if (app !== undefined && apps.length === 1) return app
  throw new ImproperlyConfigured(
    app === undefined
      ? `${modules.join(', ')} makes no app named "${name}".`
      : `${modules.join(', ')} makes ${apps.length} apps named "${name}", and a child could take the wrong one.`,
  )
}

/** What goes wrong in there is told with the file's name: it is the user's next edit. */
const loadFile = async (file: string): Promise<void> => {
  try {
    await importModule(file, () => import('./index.js'))
  } catch (error) {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new ImproperlyConfigured(`${file}: ${what}`, { cause: error })
  }
}

type Means = Omit<ParcelMeans, 'ask'> & { readonly signals: TaskSignalling }

const load = async (cargo: ChildCargo, say: Say, ask: Ask): Promise<Means> => {
  const log = loggerOf(cargo.levels, (level, text, fields) =>
    say({ level, text, fields: JSON.parse(fieldsJson(fields)) }),
  )
  for (const file of cargo.modules) await loadFile(file)
  const app = appOf(cargo.app, cargo.modules)
  if (cargo.settings !== null) app.configure(cargo.settings)
  const inside = app.inside(log, cargo.far === null ? undefined : farCarrier(cargo.far, ask))
  await inside.signals.send('workerProcessInit', { hostname: cargo.hostname, pid: process.pid })
  const tools = contextTools(() => ({ ...inside, mint: randomUUID }))
  return { app, hostname: cargo.hostname, log, tools, ...inside }
}

let means: Means | undefined

const handler: ChildHandler = {
  load: async (json, say, ask) => {
    means = await load(json as unknown as ChildCargo, say, ask)
    const facts: ChildFacts = { tasks: means.registry.names() }
    return facts as unknown as Json
  },
  leave: async () => {
    await means?.signals.send('workerProcessShutdown', { hostname: means.hostname, pid: process.pid })
  },
  run: (parcel, signal, ask) => runParcel({ ...(means as Means), ask }, parcel, signal),
}

markChild()
const line = isMainThread ? processLine() : threadLine()
// There is nobody left to work for.
line.onClose(() => process.exit(1))
if (isMainThread) {
  if (process.argv.includes(watchItself)) watchParent()
  // A terminal's Ctrl+C and a supervisor's TERM reach the whole group: when a child ends is its parent's decision.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const)
    process.on(signal, () => undefined)
}
const { outbox } = serve(line, handler)
const say = (...message: FromChild): void => outbox.say(message)
catchOutput(
  (text) => say('log', text),
  () => {
    outbox.flush()
    line.end(1)
  },
)
