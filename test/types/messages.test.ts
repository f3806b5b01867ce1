// What the compiler says about a canvas that does not fit: each message names the part.
import { readdir, readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { compile } from './compile.js'

const wrong: readonly [text: string, ...says: string[]][] = [
  ['add.s(4).delay()', 'Expected 1 arguments, but got 0'],
  ["add.s('4')", "Type 'string' is not assignable to type 'number'"],
  ['add.si(2)', 'Expected 2 arguments, but got 1'],
  ["add.s(4).set({ quueue: 'q' })", "'quueue' does not exist in type", "Did you mean to write 'queue'"],
  [
    'chain(add.s(2, 2), upper.s())',
    'Signature<[text: string], string, "proj.upper">',
    'step 2 of the chain (proj.upper) does not accept the result of the step before it", number, [text: string]>',
  ],
  [
    'chain([add.s(2, 2), add.s(1), upper.s()])',
    'step 3 of the chain (proj.upper) does not accept the result',
  ],
  ['chain(add.s(2, 2), add.s())', 'step 2 of the chain (proj.add) does not accept', '[x: number, y: number]'],
  ['chain(add, add.s(1))', 'step 1 of the chain is the task proj.add itself: write .s(…)'],
  ['chain(add.s(1, 1), {})', 'step 2 of the chain is not a signature: write task.s(…)'],
  ['chain([])', 'a chain needs at least one step'],
  [
    'chain(group([1, 2].map((n) => add.s(n, n))), total.s())',
    'write chord(members, next) or group(members).pipe(next)',
  ],
  ['add.s(2, 2).pipe(add.s(1), upper.s())', 'step 2 of the pipe (proj.upper) does not accept'],
  [
    "chain(upper.s('a'), group(upper.s(), add.s(1) as any, size.s(), upper.s().pipe(total.s() as any)), pair.s())",
    'step 3 of the chain (proj.pair) does not accept the result of the step before it',
  ],
  [
    'chain(add.s(1, 1), group(signature("any"), upper.s()))',
    'step 2 of the chain: member 2 of its group (proj.upper) does not accept the result of the step before it',
  ],
  [
    'group(add.s(1), upper.s())',
    'member 2 of the group (proj.upper) does not take the arguments that the members before it take',
  ],
  [
    'chain(add.s(1, 1), group(add.s(1), upper.s()))',
    'step 2 of the chain: member 2 of its group (proj.upper) does not accept the result of the step before it',
    'member 2 of the group (proj.upper) does not take',
  ],
  ['group(add.s(1, 1), none)', 'member 2 of the group is the task proj.none itself: write .s(…)'],
  ['group(add.s(1), add.s(2)).delay()', 'Expected 1 arguments, but got 0'],
  [
    'chord([add.s(1, 1)], upper.s())',
    'the body of the chord (proj.upper) does not accept the results of its header", [number]',
  ],
  [
    "chord([upper.s('a')], group(signature('any'), total.s()))",
    'the body of the chord: member 2 of its group (proj.total) does not accept the results of its header',
  ],
  ['chord([add.s(1), upper.s()], pair.s())', 'member 2 of the header (proj.upper) does not take'],
  ['chord([add], total.s())', 'member 1 of the header is the task proj.add itself'],
  ['chord([add.s(1, 1)], total)', 'the body of the chord is the task proj.total itself'],
  ['add.s(1).link(upper.s())', 'the callback (proj.upper) does not accept the result of proj.add'],
  ['add.s(1).linkError(add.s(1))', 'the errback (proj.add) does not accept the id of the failed task'],
  ['add.s(1).linkError(onError)', 'the errback is the task proj.onError itself'],
  ['upper.map([1])', "Type 'number' is not assignable to type 'string'"],
  ['add.starmap([[1]])', 'Source has 1 element(s) but target requires 2'],
  ["add.chunks([['1', 2]], 2)", "Type 'string' is not assignable to type 'number'"],
  ["xmap(upper, ['a'])", 'the task of the map is the task proj.upper itself'],
]

const list = (n: number, item: string) => Array.from({ length: n }, () => item).join(', ')

const here = new URL('./', import.meta.url)

describe('the compiler', { timeout: 60_000 }, () => {
  let said: string[] = []
  beforeAll(async () => {
    said = (await compile(wrong.map(([text]) => text))).each
  }, 60_000)

  it.each(wrong.map(([text, ...says], i) => ({ text, says, i })))(
    'names what is wrong: $text',
    ({ says, i }) => {
      for (const words of says) expect(said[i]).toContain(words)
    },
  )

  it('is asked about at least 150 cases', async () => {
    const files = (await readdir(here)).filter((name) => name.endsWith('.test-d.ts'))
    const texts = await Promise.all(files.map((name) => readFile(new URL(name, here), 'utf8')))
    const count = (pattern: RegExp) =>
      texts.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0)
    const [exact, refused] = [count(/^\s*same\(/gm), count(/@ts-expect-error/g)]
    console.log(`Types: ${exact} exact, ${refused} refused, ${wrong.length} by what the compiler says`)
    expect(exact + refused + wrong.length).toBeGreaterThanOrEqual(150)
  })

  // How many types the compiler makes is the same on every machine; the time is the machine's as much as ours.
  it.each([
    {
      what: 'a chain of 50, a group of 100 and a chord of 100',
      texts: [
        `chain(add.s(1, 1), ${list(49, 'add.s(1)')}).delay()`,
        `group(${list(100, 'add.s(1, 1)')}).delay()`,
        `chord([${list(100, 'add.s(1, 1)')}], total.s()).delay()`,
      ],
      most: 50_000,
    },
    {
      what: '49 pipes and a chain of 300',
      texts: [
        `add.s(1, 1)${'.pipe(add.s(1))'.repeat(49)}.delay()`,
        `chain(add.s(1, 1), ${list(299, 'add.s(1)')}).delay()`,
      ],
      most: 220_000,
    },
  ])('is quick about $what', async ({ what, texts, most }) => {
    const small = [
      'chain(add.s(1, 1), add.s(1)).delay()',
      'group(add.s(1, 1)).delay()',
      'chord([add.s(1, 1)], total.s()).delay()',
      'add.s(1, 1).pipe(add.s(1)).delay()',
    ]
    const without = await checked(small)
    const whole = await checked([...small, ...texts])
    const [types, seconds] = [whole.types - without.types, whole.seconds - without.seconds]
    console.log(
      `Types of ${what}: checked in ${seconds.toFixed(3)} s, ${types} instantiations ` +
        `(the library and small canvases before that: ${without.seconds} s, ${without.types})`,
    )
    expect(types).toBeGreaterThan(1000)
    expect(types).toBeLessThan(most)
  })
})

const checked = async (texts: readonly string[]) => {
  const { all } = await compile([texts.join('\n')], '--extendedDiagnostics', '--singleThreaded')
  expect(all).not.toContain('error TS')
  const number = (label: string) =>
    Number.parseFloat(new RegExp(`${label}:\\s*(\\S+)`).exec(all)?.[1] ?? 'none')
  return { types: number('Instantiations'), seconds: number('Check time') }
}
