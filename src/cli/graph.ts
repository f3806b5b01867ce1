// lovage graph NAME: a canvas or a task that the module of -A exports, or the results under an id with their
// states, as a picture in Mermaid or DOT.
import { Command, Option } from 'commander'
import { library } from './app-port.js'
import { appFor, type Context, globalsOf } from './context.js'
import { findModule } from './find-module.js'
import { loadModule } from './load-module.js'

interface GraphOptions {
  readonly format: 'mermaid' | 'dot'
}

export const graphCommand = ({ io }: Context): Command =>
  new Command('graph')
    .description('draw a canvas, or results with their states')
    .argument('<task or id>', 'an exported canvas, the name of an exported task, or the id of a result')
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
        const drawn = (await exported(globalsOf(command).app, name)) ?? (await app.result(name).graph())
        io.out((format === 'dot' ? toDot : toMermaid)(drawn as Parameters<typeof toDot>[0]).trimEnd())
      } finally {
        await app.close()
      }
    })

/** The module was loaded with its app, and is not loaded again. */
const exported = async (spec: string | undefined, name: string): Promise<unknown> => {
  if (spec === undefined) return undefined
  const { file } = findModule(spec, '-A', process.cwd())
  const exports = await loadModule(file, process.cwd())
  const inner = exports.default
  const all = { ...(typeof inner === 'object' ? inner : {}), ...exports } as Record<string, unknown>
  if (isSignature(all[name])) return all[name]
  const task = Object.values(all).find((value) => Object(value).taskName === name) as Task | undefined
  return task?.s()
}

interface Task {
  s(): unknown
}

const isSignature = (value: unknown): boolean => Object(value)[Symbol.for('lovage.signature')] === true
