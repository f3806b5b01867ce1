// How a Node task ends, as Python sees it: results, errors, states, and what is stored.
import type { PythonCase } from '../cases.js'

export const ends: readonly PythonCase[] = [
  {
    shape: 'errors: class and arguments',
    python: `
      def kind(name):
          try:
              return js('fail', name).delay().get(timeout=T)
          except BaseException as error:
              return [type(error).__name__, list(error.args), [base.__name__ for base in type(error).__mro__][1]]
      caught = []
      for expected in (ValueError, TypeError, KeyError):
          try:
              js('fail', expected.__name__).delay().get(timeout=T)
          except expected:
              caught.append(expected.__name__)
      return [caught, [kind(name) for name in ('ValueError', 'PaymentRefused', 'RangeError', 'Error', 'SystemExit', 'nothing')]]
    `,
    gives: [
      ['ValueError', 'TypeError', 'KeyError'],
      [
        ['ValueError', ['boom', 42], 'Exception'],
        ['PaymentRefused', ['no funds', 1999], 'Exception'],
        ['RangeError', ['out of range'], 'Exception'],
        ['Exception', ['plain'], 'BaseException'],
        ['SystemExit', ['3'], 'Exception'],
        ['Exception', ['just a text'], 'BaseException'],
      ],
    ],
  },
  {
    shape: 'errors: state and traceback',
    python: `
      failed = js('fail', 'ValueError').delay()
      error = failed.get(timeout=T, propagate=False)
      return [failed.state, failed.failed(), repr(error), 'ValueError: boom' in failed.traceback, 'node-app' in failed.traceback]
    `,
    gives: ['FAILURE', true, "ValueError('boom', 42)", true, true],
  },
  {
    shape: 'a task that the worker does not know',
    python: `
      lost = js('nobody').delay()
      return [raised(lost), lost.state, js('add', 1, 1).delay().get(timeout=T)]
    `,
    gives: [['NotRegistered', ['js.nobody']], 'FAILURE', 2],
  },
  {
    shape: 'states: a state of its own, with meta',
    python: `
      key = str(uuid.uuid4())
      states = []
      result = js('progress', key).delay()
      until(lambda: result.state == 'PROGRESS')
      info = result.info
      js('release', key).delay()
      value = result.get(timeout=T, on_message=lambda meta: states.append(meta['status']))
      return [info, value, result.state]
    `,
    gives: [{ current: 1, total: 3 }, 'done', 'SUCCESS'],
  },
  {
    shape: 'state RETRY, with its cause',
    python: `
      result = js('flaky', 1, 0.7).delay()
      until(lambda: result.state == 'RETRY')
      return [repr(result.info), result.get(timeout=T), result.state]
    `,
    gives: ["ValueError('not yet')", 1, 'SUCCESS'],
  },
  {
    shape: 'retries used up',
    python: "return raised(js('flaky', 9).delay())",
    gives: ['ValueError', ['not yet']],
  },
  {
    shape: 'children',
    python: `
      result = js('spawn', 1).delay()
      result.get(timeout=T)
      children = result.children
      values = [child.get(timeout=T) for child in children]
      tree = sorted(value for _, value in result.collect(timeout=T) if value is not None)
      return [values, tree, len(children[1].children)]
    `,
    gives: [[2, 3], [2, 3, 13], 1],
  },
  {
    shape: 'date_done, parent_id, forget',
    python: `
      result = js('add', 1, 1).delay()
      result.get(timeout=T)
      age = abs((datetime.now(timezone.utc) - result.date_done.replace(tzinfo=timezone.utc)).total_seconds())
      key = app.backend.get_key_for_task(result.id)
      before = app.backend.client.exists(key)
      ttl = app.backend.client.ttl(key)
      result.forget()
      return [age < 60, before, 3500 < ttl <= 3600, app.backend.client.exists(key)]
    `,
    gives: [true, 1, true, 0],
  },
  {
    shape: 'result_extended',
    python: `
      result = signature('js.add', args=[1], kwargs={'y': 2}, queue='js-extended').delay()
      result.get(timeout=T)
      return [result.name, result.args, result.kwargs, result.queue, result.retries, result.worker]
    `,
    gives: ['js.add', [1], { y: 2 }, 'js-extended', 0, 'extended@test'],
  },
  {
    shape: 'many at once',
    python: `
      result = group(js('add', i, 1) for i in range(200)).delay()
      return result.get(timeout=T) == [i + 1 for i in range(200)]
    `,
    gives: true,
  },
]
