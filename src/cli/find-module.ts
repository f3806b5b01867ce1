// From what stands behind -A to a file. Accepted are paths (proj/tasks.ts, ./proj) and Celery's module
// names (proj, proj.tasks), each perhaps with `:export` behind it.
import { statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { Fault } from './fault.js'

const extensions = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

export interface Found {
  readonly file: string
  /** The name of the export, where one was given. */
  readonly exportName: string | undefined
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

const firstFile = (stems: readonly string[]): string | undefined =>
  stems.flatMap((stem) => extensions.map((extension) => stem + extension)).find(isFile)

/** A path without its extension: `proj` is proj.ts, proj.js …, proj/index.…, proj/app.… */
const atStem = (stem: string): string | undefined => firstFile([stem, join(stem, 'index'), join(stem, 'app')])

/** `proj/tasks.ts:app` → path and export; a Windows drive is not an export. */
const split = (spec: string): readonly [string, string | undefined] => {
  const match = /^(.*?[^:]):([\p{ID_Start}$_][\p{ID_Continue}$]*)$/su.exec(spec)
  return match?.[1] === undefined ? [spec, undefined] : [match[1], match[2]]
}

/** A file's name as a person would write it here. */
export const shown = (file: string, cwd: string): string => {
  const short = relative(cwd, file)
  return short === '' || short.startsWith('..') ? file : short
}

export const findModule = (spec: string, option: string, cwd: string): Found => {
  const [path, exportName] = split(spec)
  const absolute = resolve(cwd, path)
  if (isFile(absolute)) return { file: absolute, exportName }

  // TypeScript's habit of writing .js for what is .ts.
  const asTypeScript = /\.[cm]?js$/.test(absolute) ? absolute.replace(/js$/, 'ts') : undefined
  if (asTypeScript !== undefined && isFile(asTypeScript)) return { file: asTypeScript, exportName }

  const direct = atStem(absolute)
  if (direct !== undefined) return { file: direct, exportName }

  if (/^[^./\\]+(\.[^./\\]+)+$/.test(path)) {
    const parts = path.split('.')
    const dotted = atStem(resolve(cwd, ...parts))
    if (dotted !== undefined) return { file: dotted, exportName }
    // Celery's `proj.app`: the member of a module.
    const module = exportName === undefined ? atStem(resolve(cwd, ...parts.slice(0, -1))) : undefined
    if (module !== undefined) return { file: module, exportName: parts.at(-1) }
  }
  const names = /\.[cm]?[jt]s$/.test(path) ? '' : ` (${path}.ts, ${path}.js, ${path}/index.ts …)`
  throw new Fault(
    `${option} ${spec}: there is no such module in ${cwd}${names}.\n` +
      `Give the path of the file that ${option === '-A' ? 'makes the app' : 'has the tasks'}, for example ${option} proj/tasks.ts`,
  )
}
