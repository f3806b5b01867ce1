// Whatever is secret in the tests is planted: it has a mark that nothing else has, and all that this process and those that
// it starts print is searched for that. Who prints it fails the test that saw it (clean-up.ts).

/** Spelt like nothing else, and the same in a URL. */
export const mark = 'pLaNtEd'

/** A secret, for a Redis, a URL, a key. */
export const planted = (what: string): string => `${mark}-${what}`

const shown: string[] = []

/** Takes what is printed, piece by piece: a secret may stand across two of them. */
export const searcher = (who: string): ((text: string) => void) => {
  let tail = ''
  return (text) => {
    const both = tail + text
    if (both.includes(mark)) {
      shown.push(
        ...both
          .split('\n')
          .filter((line) => line.includes(mark))
          .map((line) => `${who} printed: ${line}`),
      )
      tail = ''
    } else tail = both.slice(1 - mark.length)
  }
}

/** The same for what is written to a stream of this process, until the answer is called. */
export const watch = (stream: NodeJS.WriteStream, who: string): (() => void) => {
  const search = searcher(who)
  const write = stream.write.bind(stream) as (chunk: Uint8Array | string, ...rest: unknown[]) => boolean
  const { write: before } = Object.getOwnPropertyDescriptors(stream)
  stream.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    search(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    return write(chunk, ...rest)
  }
  return () => {
    if (before) Object.defineProperty(stream, 'write', before)
    else Reflect.deleteProperty(stream, 'write')
  }
}

/** Throws once for each time that a secret was printed since the last call. */
export const refuseShown = (): void => {
  const lines = shown.splice(0)
  if (lines.length > 0) throw new Error(`A secret of the tests was printed.\n${lines.join('\n')}`)
}
