// What a start leaves behind: a process that sleeps after it makes no garbage, so that its collector is never called,
// and one that goes on moves nothing together that lies scattered. Node has no word for either but V8's flags.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  setFlagsFromString('--compact-on-every-full-gc')
  collect()
  setFlagsFromString('--no-compact-on-every-full-gc')
}
