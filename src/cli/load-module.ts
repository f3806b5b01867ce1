// Importing a user's file. What goes wrong in it is told as "file:line:column: what", because it is nearly always
// the user's next edit.
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Exports, importModule } from '../load.js'
import { library } from './app-port.js'
import { Fault } from './fault.js'
import { shown } from './find-module.js'
import { watchLoading } from './watch-loading.js'

export const loadModule = async (file: string, cwd: string): Promise<Exports> => {
  const loaded = watchLoading(shown(file, cwd))
  try {
    return await importModule(file, library)
  } catch (error) {
    throw faultInModule(error, file, cwd)
  } finally {
    void loaded()
  }
}

const faultInModule = (error: unknown, file: string, cwd: string): Fault => {
  const name = shown(file, cwd)
  const { message, stack = '', code } = asError(error)
  const firstLine = message.split('\n')[0]?.trim() ?? ''

  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    const missing = /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1]
    const importer = /(?:imported from |Require stack:\s*- )([^\n]+)/.exec(message)?.[1]
    const where = importer === undefined ? name : shown(toPath(importer), cwd)
    const isPackage = missing !== undefined && !/^(\.|\/|file:|[A-Za-z]:\\)/.test(missing)
    return new Fault(
      `${name} cannot be loaded: ${where} imports ${missing ?? 'something'}, which is not there.` +
        (isPackage ? `\nIs it installed? npm install ${packageOf(missing)}` : ''),
      2,
      error,
    )
  }

  // jiti tells the place in the message, Node in the first line of the stack or in a frame of it.
  const parsed = /ParseError: (.*?)\s*\n\s*(.+:\d+:\d+)/s.exec(message)
  if (parsed?.[1] !== undefined && parsed[2] !== undefined)
    return new Fault(`${name} cannot be loaded: ${shownPlace(parsed[2], cwd)}: ${parsed[1].trim()}`, 2, error)
  const place = placeIn(stack) ?? (error instanceof SyntaxError ? placeIn(uncaughtTextOf(file)) : undefined)
  // What jiti made of TypeScript keeps its lines and not its columns.
  const line = /\.[cm]?ts:\d+:\d+$/.test(place ?? '') ? place?.replace(/:\d+$/, '') : place
  const what = error instanceof Error && error.name !== 'Error' ? `${error.name}: ${firstLine}` : firstLine
  return new Fault(
    `${name} cannot be loaded: ${line === undefined ? '' : `${shownPlace(line, cwd)}: `}${what}`,
    2,
    error,
  )
}

const asError = (error: unknown): { message: string; stack?: string; code?: unknown } =>
  error instanceof Error ? error : { message: String(error) }

const toPath = (place: string): string => (place.startsWith('file:') ? fileURLToPath(place) : place)

/** `@scope/name/deep` → `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** This library's own files, as a stack names them. */
const ours = [new URL('../', import.meta.url).href, fileURLToPath(new URL('../', import.meta.url))]

/** The first place of the user's own in a stack: neither Node's, nor a package's, nor ours. */
const placeIn = (stack: string): string | undefined => {
  for (const line of stack.split('\n')) {
    const place = /(?:^|[\s(])((?:file:\/\/|\/|[A-Za-z]:\\)[^()\n]*?:\d+(?::\d+)?)\)?$/.exec(line)?.[1]
    const foreign = place === undefined || /[\\/]node_modules[\\/]/.test(place)
    if (!foreign && !ours.some((root) => place.startsWith(root))) return place
  }
  return undefined
}

const shownPlace = (place: string, cwd: string): string => {
  const [, path = place, position = ''] = /^(.*?)((?::\d+){1,2})$/.exec(place) ?? []
  return shown(toPath(path), cwd) + position
}

/** Node tells where an ES module cannot be parsed only when nobody catches the error: so let nobody. */
const uncaughtTextOf = (file: string): string =>
  spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `await import(${JSON.stringify(pathToFileURL(file).href)})`],
    {
      encoding: 'utf8',
      timeout: 5000,
    },
  ).stderr
