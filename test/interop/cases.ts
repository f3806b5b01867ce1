// A table of cases in Python, run by one process of Python: each is the body of a function, with proj's tasks,
// Celery's canvas and the helpers below at hand, and what it returns is compared with `gives`.
import { expect } from 'vitest'
import type { PythonCelery, PythonOptions } from '../support/celery.js'

export interface PythonCase {
  /** The name of the test, and of its row in docs/interop.md. */
  readonly shape: string
  readonly python: string
  /** As JSON gives it: tuples are arrays; an asymmetric matcher of vitest's does as well. */
  readonly gives: unknown
  /** It needs what Debian's 5.2.6 has not: typed JSON, stamps. */
  readonly newer?: true
}

const prelude = `
import time, uuid
from datetime import date, datetime, time as clock, timedelta, timezone
from decimal import Decimal
from uuid import UUID
import traceback as _traceback

T = 10  # seconds for every get()
_end = time.monotonic() + 60

def js(name, *args, **kwargs):
    "The signature of a Node task: its name, and the queue of the Node workers."
    return signature('js.' + name, args=args, kwargs=kwargs, queue='js')

def echo_js(value):
    "The type of what came back from Node, and whether it is what went there."
    got = js('echo', value).delay().get(timeout=T)
    return [type(got).__name__, got == value]

def raised(result):
    try:
        return ['no error', result.get(timeout=T)]
    except BaseException as error:
        return [type(error).__name__, list(error.args)]

def until(condition, seconds=T):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.005)
    raise TimeoutError('not true within %s s' % seconds)

def taken(name):
    "What proj's tasks record and errback left in Redis."
    texts = until(lambda: app.backend.client.lrange('proj:' + name, 0, -1))
    app.backend.client.delete('proj:' + name)
    return texts

_given = {}

def _run(name, function):
    if time.monotonic() > _end:
        _given[name] = {'error': 'It did not run: the cases before it took too long.'}
        return
    try:
        _given[name] = {'value': function()}
    except BaseException:
        _given[name] = {'error': _traceback.format_exc()}
`

type Given = Readonly<Record<string, { readonly value?: unknown; readonly error?: string }>>

/** Runs all cases; the function that it gives checks one of them. */
export async function runPython(
  celery: PythonCelery,
  cases: readonly PythonCase[],
  options: PythonOptions,
): Promise<(wanted: PythonCase) => void> {
  const wanted = cases.filter(({ newer }) => newer !== true || celery.gaps.length === 0)
  const functions = wanted.map(
    ({ shape, python }, index) =>
      `def case_${index}():\n${indent(unindent(python))}\n_run(${JSON.stringify(shape)}, case_${index})\n`,
  )
  const code = `${prelude}\n${functions.join('\n')}\ngive(_given)\n`
  const given = await celery.python<Given>(code, { ...options, timeout: 100_000 })
  return ({ shape, gives }) => {
    const { error, value } = given[shape] ?? { error: 'It did not run.' }
    if (error !== undefined) throw new Error(error)
    expect(value).toEqual(gives)
  }
}

const indent = (code: string): string => code.replace(/^/gm, '    ')

function unindent(code: string): string {
  const lines = code.split('\n').filter((line) => line.trim() !== '')
  const margin = Math.min(...lines.map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(margin)).join('\n')
}
