// What Node is told when it starts a child of prefork.
import { expect, it } from 'vitest'
import { childFlags } from '../../src/pools/prefork/flags.js'

const thrifty = ['--max-semi-space-size=1', '--initial-old-space-size=8', '--v8-pool-size=1']

it('a child is thrifty with memory, except where the user has said a size of his own', () => {
  expect(childFlags([])).toEqual(thrifty)
  expect(childFlags(['--max_semi_space_size=32'])).toEqual(['--max_semi_space_size=32', ...thrifty.slice(1)])
  expect(childFlags([], '--v8-pool-size=4 --initial-old-space-size=100')).toEqual(thrifty.slice(0, 1))
})

it("a child has its parent's flags, but none that speak of the parent's own program", () => {
  expect(childFlags(['--import', 'tsx', '--inspect=0', '-e', 'start()', '--eval=1'])).toEqual([
    '--import',
    'tsx',
    ...thrifty,
  ])
})
