// What every command needs: the terminal, the global options, and the app they lead to.
import type { Command } from 'commander'
import pc from 'picocolors'
import { type AppPort, appWithoutTasks } from './app-port.js'
import { Fault } from './fault.js'
import type { Io } from './io.js'
import { loadApp } from './load-app.js'

export interface GlobalOptions {
  readonly app?: string
  readonly broker?: string
  readonly resultBackend?: string
  readonly workdir?: string
  readonly color: boolean
  readonly quiet?: boolean
  readonly debug?: boolean
}

export interface Context {
  readonly io: Io
  readonly version: string
}

const rootOf = (command: Command): Command => (command.parent === null ? command : rootOf(command.parent))

/** `worker`, `beat list`. */
const wordsOf = (command: Command): string =>
  command.parent === null || command.parent.parent === null
    ? command.name()
    : `${wordsOf(command.parent)} ${command.name()}`

export const globalsOf = (command: Command): GlobalOptions => rootOf(command).opts<GlobalOptions>()

/** Colours on a terminal, unless somebody said no; `wanted` is a setting that says so either way. */
export const colorsFor = (
  command: Command,
  io: Io,
  stream: 'out' | 'err',
  wanted: boolean | null = null,
): ReturnType<typeof pc.createColors> =>
  // A plain boolean: told nothing, picocolors guesses, and takes a CI for a terminal.
  pc.createColors(Boolean(globalsOf(command).color && !io.env.NO_COLOR && (wanted ?? io.terminal[stream])))

/** The app of -A, with -b and --result-backend applied. `needed: false` makes do with one without tasks. */
export const appFor = async (command: Command, io: Io, needed: boolean): Promise<AppPort> => {
  const globals = globalsOf(command)
  if (globals.app === undefined && needed)
    throw new Fault(
      `Which app? Say it before the command: lovage -A proj/tasks.ts ${wordsOf(command)}\n` +
        '(or in the environment: LOVAGE_APP=proj/tasks.ts)',
    )
  const app = globals.app === undefined ? await appWithoutTasks() : await loadApp(globals.app, process.cwd())
  const given = (name: 'broker' | 'resultBackend', before: string | undefined): string | undefined =>
    // The environment fills a gap; an option overrides.
    (rootOf(command).getOptionValueSource(name) === 'env' ? before : undefined) ?? globals[name]
  const brokerUrl = given('broker', app.settings.brokerUrl)
  const resultBackend = given('resultBackend', app.settings.resultBackend)
  if (brokerUrl !== undefined || resultBackend !== undefined) app.configure({ brokerUrl, resultBackend })
  return app
}
