// The tasks of the captures, in Node.
import type { App } from '../../../../src/app.js'
import { group } from '../../../../src/canvas/group.js'
import { signature } from '../../../../src/canvas/signature.js'

/** As Python raised it: `ValueError("boom", 42)`. */
class ValueError extends Error {
  override readonly name = 'ValueError'
  readonly args = ['boom', 42]
}

export const held = { queue: 'held' }

/** Signatures are made by name, as untyped as Python's. */
const make = (name: string) => ({
  s: (...args: unknown[]): any => signature(`proj.${name}`, { args }),
  si: (...args: unknown[]): any => signature(`proj.${name}`, { args, immutable: true }),
})

export const add = make('add')
export const mul = make('mul')
export const tsum = make('tsum')
export const ident = make('ident')
export const fail = make('fail')
export const errback = make('errback_old')
export const errbackNew = make('errback_new')
export const replaceSimple = make('replace_simple')
export const replaceGroup = make('replace_group')

export const defineTasks = (app: App): void => {
  app.task('proj.add', (x: number, y = 0) => x + y)
  app.task('proj.mul', (x: number, y = 1) => x * y)
  app.task('proj.tsum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  app.task('proj.ident', (...args: unknown[]) => [args, {}])
  app.task('proj.errback_old', (_id: string) => null)
  app.task('proj.fail', (..._inputs: unknown[]) => {
    throw new ValueError()
  })
  app.task('proj.replace_simple', function (x: number) {
    return this.replace(add.s(x, 10).set(held))
  })
  app.task('proj.replace_group', function (x: number) {
    return this.replace(group(add.s(x, 1).set(held), add.s(x, 2).set(held)))
  })
}
