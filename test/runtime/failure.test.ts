// Errors on the wire: what Python is told, and what is thrown from what Python told.
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  ChordError,
  InvalidTaskError,
  MaxRetriesExceededError,
  RemoteTaskError,
  TaskRevokedError,
} from '../../src/errors.js'
import {
  decodeException,
  encodeException,
  readExceptionInfo,
  rebuildError,
  reprException,
  toExceptionInfo,
  tracebackOf,
} from '../../src/runtime/failure.js'

class ValidationError extends Error {
  static excModule = 'shop.errors'
  override name = 'ValidationError'
  readonly args: readonly unknown[]
  constructor(
    readonly field: string,
    readonly limit: number,
  ) {
    super(`${field} is over ${limit}`)
    this.args = [field, limit]
  }
}

const told = (thrown: unknown) => decodeException(encodeException(toExceptionInfo(thrown)))
const none = new Map()

describe('an error is told to the world', () => {
  it.each<[string, unknown, object]>([
    [
      'a plain error as Python’s Exception',
      new Error('no'),
      { exc_type: 'Exception', exc_message: ['no'], exc_module: 'builtins' },
    ],
    [
      'one that Python has by its name',
      new TypeError('no'),
      { exc_type: 'TypeError', exc_message: ['no'], exc_module: 'builtins' },
    ],
    [
      'one that Python has not, as ours',
      new RangeError('no'),
      { exc_type: 'RangeError', exc_message: ['no'], exc_module: 'lovage' },
    ],
    [
      'a class with a module and args',
      new ValidationError('age', 7),
      { exc_type: 'ValidationError', exc_message: ['age', 7], exc_module: 'shop.errors' },
    ],
    [
      'one that would end a Python process, as ours',
      Object.assign(new Error('0'), { name: 'SystemExit' }),
      { exc_type: 'SystemExit', exc_message: ['0'], exc_module: 'lovage' },
    ],
    ['a text', 'no', { exc_type: 'Exception', exc_message: ['no'], exc_module: 'builtins' }],
    ['nothing at all', undefined, { exc_type: 'Exception', exc_message: ['None'], exc_module: 'builtins' }],
    [
      'an error of another realm',
      runInNewContext('new TypeError("no")'),
      { exc_type: 'TypeError', exc_message: ['no'], exc_module: 'builtins' },
    ],
  ])('%s', (_, thrown, info) => {
    expect(told(thrown)).toEqual(info)
  })

  it('with what cannot travel shown as text, and everything else as it is', () => {
    const error = Object.assign(new Error('no'), { args: ['é', 2n ** 60n, () => 1, { at: new Date(0) }] })
    expect(told(error).exc_message).toEqual(['é', 2n ** 60n, '<function <lambda>>', { at: new Date(0) }])
  })

  it('also where it cannot be read', () => {
    const hiding = (name: string, thrown: unknown) =>
      Object.defineProperty(new Error('x'), name, {
        get() {
          throw thrown
        },
      })
    for (const name of ['message', 'name', 'args', 'constructor'])
      expect(toExceptionInfo(hiding(name, new TypeError('no')))).toEqual({
        exc_type: 'Exception',
        exc_message: ['an error that cannot be read: TypeError: no'],
        exc_module: 'builtins',
      })
    expect(toExceptionInfo(hiding('message', Object.create(null))).exc_message).toEqual([
      'an error that cannot be read',
    ])
    expect(tracebackOf(hiding('stack', new TypeError('no')))).toBeNull()
  })

  it('in ASCII, since its bytes are compared in a chord', () => {
    expect(encodeException(toExceptionInfo(new Error('é')))).toBe(
      '{"exc_type": "Exception", "exc_message": ["\\u00e9"], "exc_module": "builtins"}',
    )
  })

  it('again as it came, when a task throws on what another one threw', () => {
    const info = { exc_type: 'Timeout', exc_message: ['db', 3], exc_module: 'shop.db' }
    expect(told(rebuildError(info, 'stack', none))).toEqual(info)
  })

  it('with its stack and those of its causes', () => {
    const text = tracebackOf(new Error('outer', { cause: new TypeError('inner') }))
    expect(text).toMatch(/^Error: outer\n[^]*\nCaused by: TypeError: inner\n/)
    expect(tracebackOf('no')).toBeNull()
  })

  it('in logs as Python prints it', () => {
    expect(reprException(toExceptionInfo(new ValidationError('age', 7)))).toBe("ValidationError('age', 7)")
  })
})

describe('an error is thrown from what is stored', () => {
  it('as its own class, where that is registered', () => {
    const error = rebuildError(
      told(new ValidationError('age', 7)),
      'stack',
      new Map([['ValidationError', ValidationError]]),
    )
    expect(error).toBeInstanceOf(ValidationError)
    expect(error).toMatchObject({ field: 'age', limit: 7, traceback: 'stack' })
  })

  it('with all its facts, where its class cannot be built', () => {
    class Picky extends Error {
      constructor() {
        super()
        throw new Error('not so')
      }
    }
    const info = { exc_type: 'Picky', exc_message: ['x'], exc_module: 'shop' }
    expect(rebuildError(info, null, new Map([['Picky', Picky as never]]))).toMatchObject({
      name: 'Picky',
      excModule: 'shop',
      excMessage: ['x'],
    })
  })

  it.each([TaskRevokedError, ChordError, MaxRetriesExceededError, InvalidTaskError])(
    'as ours, which every app knows: $name',
    (ours) => {
      const { name } = ours
      const error = rebuildError(
        { exc_type: name, exc_message: ['why'], exc_module: 'celery.exceptions' },
        null,
        none,
      )
      expect(error).toBeInstanceOf(ours)
      expect(error.message).toBe('why')
    },
  )

  it('but not as ours, when somebody else’s has the same name', () => {
    const info = { exc_type: 'ChordError', exc_message: ['of music'], exc_module: 'music' }
    expect(rebuildError(info, null, none)).toBeInstanceOf(RemoteTaskError)
  })

  it.each<[unknown, object]>([
    [null, { exc_type: 'Exception', exc_message: [] }],
    ['no', { exc_type: 'Exception', exc_message: ['no'] }],
    [{}, { exc_type: 'ValueError', exc_message: [''] }],
    [
      { exc_type: 7, exc_message: 'one' },
      { exc_type: 'ValueError', exc_message: ['one'] },
    ],
    [
      { exc_type: '__proto__', exc_message: [1] },
      { exc_type: '__proto__', exc_message: [1] },
    ],
    [[1, 2], { exc_type: 'ValueError' }],
  ])('even from what is no exception object: %j', (value, info) => {
    expect(readExceptionInfo(value)).toMatchObject(info)
    expect(rebuildError(value, null, none)).toBeInstanceOf(Error)
  })
})
