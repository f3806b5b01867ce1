// lovage graph NAME: a canvas or a task that the module of -A exports, or the results of the workflow to which an
// id belongs, with their states, as a picture in Mermaid or DOT.
import { Command, Option } from 'commander'
import { type AppPort, library } from './app-port.js'
import { appFor, type Context, globalsOf } from './context.js'
import { Fault } from './fault.js'
import { findModule } from './find-module.js'
import { loadModule } from './load-module.js'

interface GraphOptions {
  readonly format: 'mermaid' | 'dot'
}

export const graphCommand = ({ io }: Context): Command =>
  new Command('graph')
    .description('draw a canvas, or results with their states')
    .argument(
      '<task or id>',
      'an exported canvas, the name of an exported task, or the id of a result in the workflow',
    )
    .addOption(
      new Option('-f, --format <format>', 'the language of the picture')
        .choices(['mermaid', 'dot'])
        .default('mermaid'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  lovage -A proj/tasks.ts graph nightly --format dot | dot -Tsvg > nightly.svg',
    )
    .action(async (name: string, { format }: GraphOptions, command: Command) => {
      const { toDot, toMermaid } = await library()
      const app = await appFor(command, io, false)
      try {
        const exports = await exportsOf(globalsOf(command).app)
        const drawn = exported(exports, name) ?? (await workflow(app, name, exports))
        io.out((format === 'dot' ? toDot : toMermaid)(drawn as Parameters<typeof toDot>[0]).trimEnd())
      } finally {
        await app.close()
      }
    })

type Exports = Readonly<Record<string, unknown>>

/** The module was loaded with its app, and is not loaded again. */
const exportsOf = async (spec: string | undefined): Promise<Exports> => {
  if (spec === undefined) return {}
  const { file } = findModule(spec, '-A', process.cwd())
  const exports = await loadModule(file, process.cwd())
  const inner = exports.default
  return { ...(typeof inner === 'object' ? inner : {}), ...exports }
}

const exported = (exports: Exports, name: string): unknown =>
  isSignature(exports[name])
    ? exports[name]
    : tasksIn(exports)
        .find((task) => task.taskName === name)
        ?.s()

/** The results from where it all began: whoever asks has mostly the id of the end. */
const workflow = async (app: AppPort, id: string, exports: Exports): Promise<unknown> => {
  const graph = await app.result(await beginningOf(app, id)).graph()
  if (!uuid.test(id) && (graph as { readonly state: string }).state === 'PENDING')
    throw new Fault(nothingCalled(id, exports))
  return graph
}

/** A chain of more steps than this is drawn from somewhere in its middle. */
const mostSteps = 1000

/**
 * To the left as far as results tell of each other: a step names what came before it, and that one what it sent. The
 * body of a chord names the header task that came last, which knows nothing of it; but what sent the chord does.
 */
const beginningOf = async (app: AppPort, id: string): Promise<string> => {
  let at = id
  let { parentId: above } = await app.result(id).meta()
  for (let steps = 0; above !== null && steps < mostSteps; steps += 1) {
    const { fields, parentId } = await app.result(above).meta()
    if (JSON.stringify(fields['children'] ?? []).includes(JSON.stringify(at))) at = above
    above = parentId
  }
  return at
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const nothingCalled = (name: string, exports: Exports): string => {
  const canvases = Object.keys(exports).filter((key) => isSignature(exports[key]))
  const tasks = tasksIn(exports).map(({ taskName }) => taskName)
  return (
    `Nothing is called ${name}: neither an exported canvas (${canvases.join(', ') || 'there is none'}), ` +
    `nor an exported task (${tasks.join(', ') || 'there is none'}), nor a result that is stored.`
  )
}

interface Task {
  readonly taskName: string
  s(): unknown
}

const tasksIn = (exports: Exports): readonly Task[] =>
  Object.values(exports).filter((value): value is Task => typeof Object(value).taskName === 'string')

const isSignature = (value: unknown): boolean => Object(value)[Symbol.for('lovage.signature')] === true
