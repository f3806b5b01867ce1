// A page of the manual as a program: its `ts` blocks in one module, each line where it stands on the page, so
// that whoever complains of a line names the page's. What a page promises stands in comments:
//
//   await add.delay(2, 2).get() // → 4          what comes out; `throws TypeError: boom` where something is thrown
//   toMermaid(work) // ↓                         the `mermaid` block that comes next
//   toDot(work) // → pictures/report.dot         a file beside the page
//   chain(add.s(2, 2), upper.s()) // ✗ step 2    does not compile, and the compiler says so; it is not run
//
// A long promise may stand on a line of its own, below the statement.

export interface Pledge {
  readonly line: number
  readonly says: string
}

export interface Page {
  readonly program: string
  /** Line → what comes out there. */
  readonly values: readonly Pledge[]
  readonly refused: readonly Pledge[]
}

/** Collects what comes out: errors as they are printed, ids as `<id>`. In one line, where the page has its title. */
const prelude = `
import { inspect as $inspect } from 'node:util';
const $got: { line: number; says: string }[] = [];
const $plain = (value: unknown): unknown =>
  value instanceof Error ? { [$inspect.custom]: () => value.name + ': ' + value.message } : Array.isArray(value) ? value.map($plain) : value;
const $say = (value: unknown) =>
  typeof value === 'string' && value.includes('\\n') ? value : $inspect($plain(value), { breakLength: Infinity, compact: true, depth: 9 });
const $check = async (line: number, run: () => unknown) => {
  const says = await Promise.resolve().then(run).then($say, (error) => 'throws ' + $say(error));
  $got.push({ line, says: says.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>') });
};`.replaceAll('\n', ' ')

const mark = /(?:^|\s)\/\/ (→|✗|↓)\s?(.*)$/

/** The page as a program. `readFile` gives the text of a file beside the page. */
export function pageOf(markdown: string, readFile: (name: string) => string): Page {
  const source = markdown.split('\n')
  const out = source.map(() => '')
  const values: Pledge[] = []
  const refused: Pledge[] = []
  for (const [start, end] of blocks(source, 'ts'))
    for (const [from, to] of statements(source, start, end)) {
      const [, sign, rest = ''] = mark.exec(source[to] as string) ?? []
      const code = source.slice(from, to + 1).map((text) => text.replace(mark, ''))
      if (code.at(-1) === '') code.pop()
      const line = from + 1
      if (sign !== undefined) {
        const says = sign === '↓' ? below(source, end) : rest.startsWith('pictures/') ? readFile(rest) : rest
        ;(sign === '✗' ? refused : values).push({ line, says })
        code[0] = `;${sign === '✗' ? 'void (() => ' : `await $check(${line}, async () => `}${code[0]}`
        code.push(`${code.pop()})`)
      }
      out.splice(from, code.length, ...code)
    }
  out[0] = prelude
  return { program: [...out, 'console.log(JSON.stringify($got))', ''].join('\n'), values, refused }
}

/** First line of each block of the language, and the line after its last. */
function* blocks(source: readonly string[], language: string): Generator<[number, number]> {
  for (let i = 0; i < source.length; i += 1)
    if (source[i] === `\`\`\`${language}`) {
      const end = source.indexOf('```', i)
      if (end === -1) throw new Error(`The block at line ${i + 1} does not end.`)
      yield [i + 1, end]
    }
}

/** First and last line of each statement: it begins at the margin, and a promise may stand below it. */
function* statements(source: readonly string[], start: number, end: number): Generator<[number, number]> {
  let from: number | undefined
  for (let i = start; i < end; i += 1) {
    const text = source[i] as string
    if (/^(?:[\s)\]}]|$|\/\/ [→✗↓])/.test(text)) continue
    if (from !== undefined) yield [from, lastOf(source, from, i)]
    from = i
  }
  if (from !== undefined) yield [from, lastOf(source, from, end)]
}

const lastOf = (source: readonly string[], from: number, next: number): number => {
  let last = next - 1
  while (last > from && source[last]?.trim() === '') last -= 1
  return last
}

const below = (source: readonly string[], line: number): string => {
  for (const [start, end] of blocks(source, 'mermaid'))
    if (start > line) return `${source.slice(start, end).join('\n')}\n`
  throw new Error(`No picture below line ${line}.`)
}
