// The version of this package, for those who ask a worker or the command line.
import { readFileSync } from 'node:fs'

let known: string | undefined

export const packageVersion = (): string => {
  known ??= (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version
  return known
}
