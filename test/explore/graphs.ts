// The graphs that are explored, by name: up to six nodes each.
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'

const task = (name: string) => (taskId: string) => signature(name, { options: { taskId }, immutable: true })
const run = task('run')
const fail = task('fail')
const again = task('again')
const later = task('later')
/** Gives what it was given: the results of a chord's header, in their order. */
const gather = (taskId: string) => signature('gather', { options: { taskId } })

export interface Graph {
  readonly canvas: Node
  /** Task id → the state that it must end with. */
  readonly ends: Readonly<Record<string, string>>
  /** Task id → what a SUCCESS must give. The others give their id. */
  readonly gives: Readonly<Record<string, string>>
}

const all = (ids: string, state = 'SUCCESS'): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from(ids, (id) => [id, state]))

const graph = (
  canvas: unknown,
  ends: Readonly<Record<string, string>>,
  gives: Readonly<Record<string, string>> = {},
): Graph => ({ canvas: canvas as Node, ends, gives })

export const graphs: Readonly<Record<string, Graph>> = {
  one: graph(run('a'), all('a')),
  pair: graph(group(run('a'), run('b')), all('ab')),
  later: graph(group(later('a'), run('b')), all('ab')),
  retry: graph(chain(again('a'), run('b')), all('ab')),
  chain: graph(chain(run('a'), run('b'), run('c')), all('abc')),
  long: graph(chain(run('a'), run('b'), run('c'), run('d'), run('e'), run('f')), all('abcdef')),
  errback: graph(fail('a').linkError(run('e')), { a: 'FAILURE', e: 'SUCCESS' }),
  links: graph(run('a').link(run('b')).link(run('c')), all('abc')),
  alone: graph(chord([run('a')], gather('x')), all('ax'), { x: 'a' }),
  chord: graph(chord([run('a'), run('b')], gather('x')), all('abx'), { x: 'ab' }),
  wide: graph(chord([run('a'), run('b'), run('c')], gather('x')), all('abcx'), { x: 'abc' }),
  broken: graph(chord([run('a'), fail('b')], run('x').linkError(run('e'))), {
    ...all('ae'),
    ...all('bx', 'FAILURE'),
  }),
  between: graph(chain(run('a'), group(run('b'), run('c')), gather('d')), all('abcd'), { d: 'bc' }),
  chains: graph(chord([chain(run('a'), run('b')), chain(run('c'), run('d'))], gather('x')), all('abcdx'), {
    x: 'bd',
  }),
  nested: graph(chord([run('a'), chord([run('b'), run('c')], gather('y'))], gather('x')), all('abcyx'), {
    y: 'bc',
    x: 'abc',
  }),
  row: graph(chain(run('a'), group(run('b'), run('c'), run('d')), gather('e')), all('abcde'), { e: 'bcd' }),
  twice: graph(
    chain(group(run('a'), run('b')), gather('x'), group(run('c'), run('d')), gather('y')),
    all('abxcdy'),
    { x: 'ab', y: 'cd' },
  ),
  six: graph(group(Array.from('abcdef', run)), all('abcdef')),
  trees: graph(
    chord([chain(run('a'), run('b')), run('c'), run('d')], chain(gather('x'), run('y'))),
    all('abcdxy'),
    { x: 'bcd' },
  ),
  stubborn: graph(chord([again('a'), run('b')], chain(gather('x'), run('y'))), all('abxy'), { x: 'ab' }),
  // The most states by far: last here, so that it is begun first.
  five: graph(chord([run('a'), run('b'), run('c'), run('d'), run('e')], gather('x')), all('abcdex'), {
    x: 'abcde',
  }),
}
