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

export interface Graph {
  readonly canvas: Node
  /** Task id → the state that it must end with. */
  readonly ends: Readonly<Record<string, string>>
}

const all = (ids: string, state = 'SUCCESS'): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from(ids, (id) => [id, state]))

const graph = (canvas: unknown, ends: Readonly<Record<string, string>>): Graph => ({
  canvas: canvas as Node,
  ends,
})

export const graphs: Readonly<Record<string, Graph>> = {
  one: graph(run('a'), all('a')),
  pair: graph(group(run('a'), run('b')), all('ab')),
  later: graph(group(later('a'), run('b')), all('ab')),
  retry: graph(chain(again('a'), run('b')), all('ab')),
  chain: graph(chain(run('a'), run('b'), run('c')), all('abc')),
  long: graph(chain(run('a'), run('b'), run('c'), run('d'), run('e'), run('f')), all('abcdef')),
  errback: graph(fail('a').linkError(run('e')), { a: 'FAILURE', e: 'SUCCESS' }),
  links: graph(run('a').link(run('b')).link(run('c')), all('abc')),
  chord: graph(chord([run('a'), run('b')], run('x')), all('abx')),
  wide: graph(chord([run('a'), run('b'), run('c')], run('x')), all('abcx')),
  broken: graph(chord([run('a'), fail('b')], run('x').linkError(run('e'))), {
    ...all('ae'),
    ...all('bx', 'FAILURE'),
  }),
  between: graph(chain(run('a'), group(run('b'), run('c')), run('d')), all('abcd')),
  chains: graph(chord([chain(run('a'), run('b')), chain(run('c'), run('d'))], run('x')), all('abcdx')),
  nested: graph(chord([run('a'), chord([run('b'), run('c')], run('y'))], run('x')), all('abcyx')),
  five: graph(chord([run('a'), run('b'), run('c'), run('d'), run('e')], run('x')), all('abcdex')),
  row: graph(chain(run('a'), group(run('b'), run('c'), run('d')), run('e')), all('abcde')),
  twice: graph(
    chain(group(run('a'), run('b')), run('x'), group(run('c'), run('d')), run('y')),
    all('abxcdy'),
  ),
  six: graph(group(Array.from('abcdef', run)), all('abcdef')),
  trees: graph(
    chord([chain(run('a'), run('b')), run('c'), run('d')], chain(run('x'), run('y'))),
    all('abcdxy'),
  ),
  stubborn: graph(chord([again('a'), run('b')], chain(run('x'), run('y'))), all('abxy')),
}
