import { describe, expect, it } from 'vitest'
import { mergeOptions, readOptions } from '../../src/canvas/options.js'
import { InvalidSignature } from '../../src/errors.js'
import { add, mul } from './tasks.js'

const setting = (options: object) => () => add.s(1).set(options as never)

describe('an option', () => {
  it.each([
    [{ quueue: 'x' }, 'A signature has no option "quueue". Did you mean queue?'],
    [{ task_id: 'x' }, 'A signature has no option "task_id". Did you mean taskId?'],
    [{ linkErr: [] }, 'A signature has no option "linkErr". Did you mean linkError?'],
    [{ Countdown: 1 }, 'Did you mean countdown?'],
    [{ wholly: 1 }, 'A signature has no option "wholly". Options of another kind go under "other".'],
    [{ immutable: true }, 'Write immutable(sig), or task.si(…).'],
    [JSON.parse('{"__proto__": {}}'), 'A signature has no option "__proto__".'],
    [{ constructor: 1 }, 'A signature has no option "constructor".'],
  ])('that does not exist is refused, with the nearest one: %j', (options, words) => {
    expect(setting(options)).toThrow(InvalidSignature)
    expect(setting(options)).toThrow(words)
  })

  it.each([
    [{ queue: 3 }, 'The option queue expects a string, but got 3.'],
    [{ countdown: '10' }, 'The option countdown expects a number, but got "10".'],
    [{ countdown: Number.NaN }, 'The option countdown expects a number, but got NaN.'],
    [{ retries: -1 }, 'The option retries expects a whole number from 0, but got -1.'],
    [{ ignoreResult: 'yes' }, 'The option ignoreResult expects true or false, but got "yes".'],
    [{ headers: [1] }, 'The option headers expects an object, but got an array of 1.'],
    [{ stampedHeaders: 'a' }, 'The option stampedHeaders expects an array of strings, but got "a".'],
    [{ eta: 5 }, 'The option eta expects a valid Date or ISO text, but got 5.'],
    [
      { eta: new Date(Number.NaN) },
      'The option eta expects a valid Date or ISO text, but got an object of class Date.',
    ],
    [{ expires: true }, 'The option expires expects seconds, a valid Date or ISO text, but got true.'],
    [
      { link: 'proj.add' },
      'The option link expects signatures; what it got is not a signature, but "proj.add". Write task.s(…).',
    ],
    [{ link: add }, 'what it got is the task proj.add itself. Write add.s(…)'],
    [
      { headers: { id: 'mine' } },
      'The header "id" has a meaning of its own in a message. Use another name, such as "x-id".',
    ],
    [{ headers: { update: 1 } }, 'The header "update" has a meaning of its own in a message.'],
    [{ chord: {} }, 'The option chord expects a signature, but got an object.'],
    [{ stamps: 1 }, 'The option stamps expects an object, but got 1.'],
    [{ other: [] }, 'The option other expects an object, but got an array of 0.'],
  ])('says what it expects and what came: %j', (options, words) => {
    expect(setting(options)).toThrow(words)
  })

  it('may be of any of its kinds', () => {
    const eta = new Date(0)
    const options = {
      eta,
      expires: 60,
      timeLimit: 1.5,
      headers: { a: 1 },
      other: { my_own: null },
      addToParent: false,
    }
    expect(add.s(1).set(options).options).toEqual(options)
  })
})

describe('the options of a call', () => {
  it('go over those of the signature', () => {
    expect(mergeOptions({ queue: 'a', priority: 1 }, { queue: 'b' })).toEqual({ queue: 'b', priority: 1 })
  })

  it('say nothing where they are null or undefined', () => {
    expect(mergeOptions({ queue: 'a' }, { queue: undefined, priority: null as never })).toEqual({
      queue: 'a',
    })
  })

  it('leave a signature its group and its stamps', () => {
    const own = { groupId: 'g1', stampedHeaders: ['a'], stamps: { a: 1 } }
    const call = { groupId: 'g2', stampedHeaders: ['a', 'b'], stamps: { a: 2, b: 2 }, groupIndex: 3 }
    expect(mergeOptions(own, call)).toEqual({
      groupId: 'g1',
      stampedHeaders: ['a'],
      stamps: { a: 1, b: 2 },
      groupIndex: 3,
    })
    expect(mergeOptions({}, call)).toEqual(call)
  })

  it('replace a link, and join what nobody knows', () => {
    const own = { link: [add.s(1)] as never, other: { a: 1, b: 1 } }
    expect(mergeOptions(own, { link: [mul.s(2)] as never, other: { b: 2 } })).toEqual({
      link: [mul.s(2)],
      other: { a: 1, b: 2 },
    })
  })
})

describe('a calling option out of its range', () => {
  it.each([
    [{ taskId: '' }, 'The option taskId expects a string that is not empty, but got "".'],
    [{ queue: '' }, 'The option queue expects the name of a queue, but got "".'],
    [{ priority: 10 }, 'The option priority expects a whole number from 0 (most urgent) to 9, but got 10.'],
    [{ priority: 1.5 }, 'The option priority expects a whole number from 0 (most urgent) to 9, but got 1.5.'],
    [{ timeLimit: -1 }, 'The option timeLimit expects seconds, more than 0, but got -1.'],
    [{ softTimeLimit: 0 }, 'The option softTimeLimit expects seconds, more than 0, but got 0.'],
  ])('%j is refused', (options, sentence) => {
    expect(() => readOptions(options)).toThrow(sentence)
  })
})
