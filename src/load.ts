// Importing a user's file: TypeScript by jiti, JavaScript by Node itself.
import { pathToFileURL } from 'node:url'

export type Exports = Readonly<Record<string, unknown>>

/** A loader for TypeScript that the process was started with already: two would be one too many. */
const underLoader = (): boolean =>
  'bun' in process.versions ||
  /(?:--import|--loader|--require|-r)[ =]\S*(?:tsx|ts-node|swc|esbuild|jiti)/.test(
    [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' '),
  )

const importTypeScript = async (file: string, library: () => Promise<object>): Promise<Exports> => {
  const { createJiti } = await import('jiti')
  // `lovage` inside is the copy that runs here, wherever the file lies; path aliases come from tsconfig.json.
  const jiti = createJiti(file, { virtualModules: { lovage: await library() }, tsconfigPaths: true })
  return jiti.import<Exports>(file)
}

/** `library` is this very library as users import it. */
export const importModule = async (file: string, library: () => Promise<object>): Promise<Exports> =>
  /\.[cm]?ts$/.test(file) && !underLoader()
    ? importTypeScript(file, library)
    : ((await import(pathToFileURL(file).href)) as Exports)
