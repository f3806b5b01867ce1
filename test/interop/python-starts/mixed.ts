// A Python client, workers of both languages: what crosses the border in the middle of a canvas. `py` names the
// queue of a Python step: the worker that sends it on may be Node's, which does not know Python's routes.
import type { PythonCase } from '../cases.js'

const setup = `
  py = lambda task, *args: task.s(*args).set(queue='python')
`

const python = (code: string): string => `${setup}${code.replace(/^ {4}/gm, '')}`

export const started: readonly PythonCase[] = [
  {
    shape: 'chain py → js → py',
    python: python(`
      result = (py(add, 2, 2) | js('add', 10) | py(mul, 3)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T), result.parent.parent.get(timeout=T)]
    `),
    gives: [42, 14, 4],
  },
  {
    shape: 'chain js → py → js',
    python: python(`
      result = (js('add', 2, 2) | py(mul, 3) | js('add', 30)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T), result.parent.parent.get(timeout=T)]
    `),
    gives: [42, 12, 4],
  },
  {
    shape: 'root and parent ids along a mixed chain',
    python: python(`
      result = (js('request') | py(request_of) | js('request') | py(request_of)).delay()
      last = result.get(timeout=T)
      before = result.parent.get(timeout=T)
      root = result.parent.parent.parent.id
      return [last['root_id'] == before['rootId'] == root, last['parent_id'] == result.parent.id,
              before['parentId'] == result.parent.parent.id, before['origin'].startswith('gen'), last['lang']]
    `),
    gives: [true, true, true, true, 'js'],
  },
  {
    shape: 'a group of both languages',
    python: python(`
      return group(py(add, 1, 1), js('add', 2, 2), py(add, 3, 3), js('add', 4, 4)).delay().get(timeout=T)
    `),
    gives: [2, 4, 6, 8],
  },
  {
    shape: 'a chord of Node tasks between two Python tasks',
    python: python(`
      result = (py(add, 1, 1) | chord([js('add', 1), js('add', 2)], js('sum')) | py(mul, 6)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T), result.parent.parent.get(timeout=T)]
    `),
    gives: [42, 7, [3, 4]],
  },
  {
    shape: 'a chord of Python tasks between two Node tasks',
    python: python(`
      result = (js('add', 1, 1) | chord([py(add, 1), py(add, 2)], py(tsum)) | js('mul', 6)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T), result.parent.parent.get(timeout=T)]
    `),
    gives: [42, 7, [3, 4]],
  },
  {
    shape: 'a group of both languages at the end of a chain',
    python: python(`
      after_py = (py(add, 1, 1) | group(js('add', 1), py(add, 2), js('add', 3))).delay()
      after_js = (js('add', 1, 1) | group(js('add', 1), py(add, 2), js('add', 3))).delay()
      return [after_py.get(timeout=T), after_js.get(timeout=T)]
    `),
    gives: [
      [3, 4, 5],
      [3, 4, 5],
    ],
  },
  {
    shape: 'link across the border',
    python: python(`
      to_js = py(add, 1, 2).apply_async(link=js('record', 'from-python'))
      to_py = js('add', 3, 4).apply_async(link=py(record, 'from-node'))
      seen = taken('record')
      return [to_js.get(timeout=T), to_py.get(timeout=T), js('recall', 'from-python').delay().get(timeout=T),
              [json.loads(text)['args'] for text in seen], [child.get(timeout=T) for child in to_py.children]]
    `),
    gives: [3, 7, [3], [[7, 'from-node']], [7]],
  },
  {
    shape: 'link_error across the border',
    python: python(`
      in_py = py(fail).apply_async(link_error=js('record', 'py-failed'))
      in_js = js('fail', 'ValueError').apply_async(link_error=py(errback))
      seen = taken('errback')
      return [js('recall', 'py-failed').delay().get(timeout=T) == [in_py.id], json.loads(seen[0])['id'] == in_js.id,
              raised(in_py), raised(in_js)]
    `),
    gives: [true, true, ['ValueError', ['boom', 42]], ['ValueError', ['boom', 42]]],
  },
  {
    shape: "an errback with `errback: 'full'` for a Python task",
    python: python(`
      failed = py(fail).apply_async(link_error=js('recordError', 'py-full'))
      [[request, name, message, trace]] = js('recall', 'py-full').delay().get(timeout=T)
      return [request['id'] == failed.id, name, message, trace]
    `),
    gives: [true, 'ValueError', 'boom, 42', 'string'],
  },
  {
    shape: 'a step fails, steps of both languages wait behind it',
    python: python(`
      in_js = (py(add, 1, 1) | js('fail', 'PaymentRefused').set(immutable=True) | py(add, 1) | js('add', 1)).delay()
      in_py = (js('add', 1, 1) | py(fail).set(immutable=True) | js('add', 1) | py(add, 1)).delay()
      # A Python worker marks the steps one by one, the last of them first.
      ends = lambda result: [until(result.ready), type(result.result).__name__, until(result.parent.ready), result.parent.state,
                             until(result.parent.parent.ready), result.parent.parent.state,
                             result.parent.parent.parent.get(timeout=T)]
      return [ends(in_js), ends(in_py)]
    `),
    gives: [
      [true, 'PaymentRefused', true, 'FAILURE', true, 'FAILURE', 2],
      [true, 'ValueError', true, 'FAILURE', true, 'FAILURE', 2],
    ],
  },
  {
    shape: 'a retry on either side',
    python: python(`
      # Without a countdown Python's own worker may store RETRY over the SUCCESS of the next try, for good; and who asks
      # Python's client in the very moment of an end may not hear of it.
      result = (js('flaky', 1, 0.1) | py(flaky).set(args=(2, 0.1), immutable=True) | js('add', 40)).delay()
      first, second = [each.get(timeout=T) for each in (result.parent.parent, result.parent)]
      return [result.get(timeout=T), second, first]
    `),
    gives: [42, 2, 1],
  },
  {
    shape: 'a chord that grows on either side, joined by either',
    python: python(`
      # Python reports as the last one, when three parts are in, and joins; and the reverse as it comes.
      by_python = chord([js('grow', 5), py(after, 2, 2)], py(tsum)).delay()
      by_whom = [chord([py(grow, 5), js('grow', n)], js('sum')).delay() for n in (1, 2, 3)]
      return [by_python.get(timeout=T), [r.get(timeout=T) for r in by_whom]]
    `),
    gives: [5 + 50 + 2, [1, 2, 3].map((n) => 5 + 50 + n + 10 * n)],
  },
  {
    shape: 'typed values through the other language and back',
    newer: true,
    python: python(`
      values = [datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc), datetime(2026, 1, 2), date(2026, 1, 2),
                clock(3, 4, 5), Decimal('1.10'), UUID('12345678123456781234567812345678'), b'\\x00\\xff', 2 ** 70, 0.1]
      result = (py(echo, values) | js('echo') | py(echo)).delay()
      names = group(js('echo', value) | py(describe) for value in values).delay().get(timeout=T)
      return [result.get(timeout=T) == values, [name for name, _ in names]]
    `),
    gives: [true, ['datetime', 'datetime', 'date', 'time', 'Decimal', 'UUID', 'bytes', 'int', 'float']],
  },
]
