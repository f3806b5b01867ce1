// A start that reads a hundred thousand entries leaves as much garbage as it keeps, and a process that then sleeps makes
// none, so that its collector is never called. Node has no word for it but V8's flag.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  collect()
}
