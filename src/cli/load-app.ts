// -A path[:export] → the app: the export that was named, else `app`, else the default one, else the only
// App among the exports.
import type { Exports } from '../load.js'
import { type AppPort, isApp } from './app-port.js'
import { Fault } from './fault.js'
import { findModule, shown } from './find-module.js'
import { loadModule } from './load-module.js'

export const loadApp = async (spec: string, cwd: string): Promise<AppPort> => {
  const { file, exportName } = findModule(spec, '-A', cwd)
  return pickApp(await loadModule(file, cwd), exportName, shown(file, cwd))
}

/** The members of a CommonJS module stand in its default export. */
const membersOf = (exports: Exports): ReadonlyMap<string, unknown> => {
  const members = new Map(Object.entries(exports))
  members.delete('module.exports')
  members.delete('__esModule')
  const main = members.get('default')
  if (typeof main === 'object' && main !== null && !isApp(main))
    for (const [name, value] of Object.entries(main)) if (!members.has(name)) members.set(name, value)
  return members
}

export const pickApp = (exports: Exports, exportName: string | undefined, file: string): AppPort => {
  const members = membersOf(exports)
  if (exportName !== undefined) {
    const named = members.get(exportName)
    if (isApp(named)) return named
    const what = members.has(exportName)
      ? `the export ${exportName} of ${file} is not an app`
      : `${file} has no export ${exportName}; it exports ${listed([...members.keys()])}`
    throw new Fault(`${what}.\nAn app is what createApp() returns.`)
  }
  for (const usual of ['app', 'default']) {
    const value = members.get(usual)
    if (isApp(value)) return value
  }
  const apps = [...members].filter(([, value]) => isApp(value))
  const different = new Set(apps.map(([, value]) => value))
  const [only] = different
  if (different.size === 1 && isApp(only)) return only
  if (different.size > 1)
    throw new Fault(
      `${file} has several apps: ${listed(apps.map(([name]) => name))}.\nChoose one: -A ${file}:${apps[0]?.[0]}`,
    )
  throw new Fault(
    `${file} has no app; it exports ${listed([...members.keys()])}.\n` +
      `Export one: export const app = createApp('proj')`,
  )
}

const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'nothing'
  if (names.length > 12) return `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
  return names.length === 1 ? String(names[0]) : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** Further modules (-I, `imports`, `include`), for the tasks in them. */
export const loadTasks = async (specs: readonly string[], option: string, cwd: string): Promise<void> => {
  for (const spec of specs) await loadModule(findModule(spec, option, cwd).file, cwd)
}
