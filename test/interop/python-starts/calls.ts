// Python calls a Node task: what goes over, and what comes back.
import { expect } from 'vitest'
import type { PythonCase } from '../cases.js'

export const calls: readonly PythonCase[] = [
  { shape: 'positional arguments', python: "return js('add', 2, 3).delay().get(timeout=T)", gives: 5 },
  {
    shape: 'by name: send_task, sendTask',
    python: "return app.send_task('js.add', [2, 3], queue='js').get(timeout=T)",
    gives: 5,
  },
  {
    shape: 'keyword arguments',
    python: `
      both = js('add', x=2, y=3).delay()
      one = js('add', 2, y=3).delay()
      turned = js('mul', y=3, x=5).delay()
      return [both.get(timeout=T), one.get(timeout=T), turned.get(timeout=T)]
    `,
    gives: [5, 5, 15],
  },
  {
    shape: 'keyword arguments without `params`: one trailing object',
    python: "return js('ident', 1, 'two', three=3, four=None).delay().get(timeout=T)",
    gives: [1, 'two', { three: 3, four: null }],
  },
  {
    shape: 'a keyword argument that the task does not have',
    python: "return raised(js('add', 1, z=2).delay())",
    gives: ['InvalidTaskError', [expect.stringContaining('no parameter "z"')]],
  },
  {
    shape: 'unicode',
    python: `
      values = ['ü', '🐎', '\\u0000', '\\ud800', '"\\\\', '\\u2028', 'x' * 100000]
      given = [js('echo', value).delay() for value in values]
      return [[result.get(timeout=T) for result in given] == values, js('echo', ü='ß').delay().get(timeout=T)]
    `,
    gives: [true, { ü: 'ß' }],
  },
  {
    shape: 'plain JSON',
    python: `
      value = {'none': None, 'yes': True, 'list': [[], {}, [[1]]], 'tuple': (1, (2,)), '': 0, '1': '1'}
      got = js('echo', value).delay().get(timeout=T)
      return [got, js('echo').delay().get(timeout=T), js('echo', {2: 'b', None: 'n'}).delay().get(timeout=T)]
    `,
    gives: [
      { none: null, yes: true, list: [[], {}, [[1]]], tuple: [1, [2]], '': 0, '1': '1' },
      null,
      { '2': 'b', null: 'n' },
    ],
  },
  {
    shape: 'integers beyond 2^53',
    python: `
      return [echo_js(2 ** 53 + 1), echo_js(-2 ** 70), echo_js([1, {'n': 2 ** 64}]),
              js('describe', 2 ** 64).delay().get(timeout=T)]
    `,
    gives: [
      ['int', true],
      ['int', true],
      ['list', true],
      ['bigint', '18446744073709551616'],
    ],
  },
  {
    shape: 'floats, NaN and infinities',
    python: `
      nan = js('echo', float('nan')).delay().get(timeout=T)
      return [echo_js(0.1), echo_js(1e300), echo_js(float('inf')), echo_js(-float('inf')), nan != nan,
              js('describe', float('nan')).delay().get(timeout=T)]
    `,
    gives: [['float', true], ['float', true], ['float', true], ['float', true], true, ['number', 'NaN']],
  },
  {
    shape: 'aware datetimes',
    newer: true,
    python: `
      utc = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
      east = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))
      return [echo_js(utc), echo_js(east), echo_js({'a': [utc]}), js('describe', east).delay().get(timeout=T)]
    `,
    gives: [
      ['datetime', true],
      ['datetime', true],
      ['dict', true],
      ['Date', '2026-01-01T21:34:05.000Z'],
    ],
  },
  {
    shape: 'naive datetimes',
    newer: true,
    python: `
      naive = datetime(2026, 1, 2, 3, 4, 5, 678901)
      return [echo_js(naive), js('describe', naive).delay().get(timeout=T)]
    `,
    gives: [
      ['datetime', true],
      ['NaiveDateTime', '2026-01-02T03:04:05.678901'],
    ],
  },
  {
    shape: 'date, time, Decimal, UUID',
    newer: true,
    python: `
      values = [date(2026, 1, 2), clock(3, 4, 5, 6), Decimal('1.10'), UUID('12345678123456781234567812345678')]
      return [echo_js(values), [js('describe', value).delay().get(timeout=T) for value in values],
              [type(value).__name__ for value in js('echo', values).delay().get(timeout=T)]]
    `,
    gives: [
      ['list', true],
      [
        ['PlainDate', '2026-01-02'],
        ['PlainTime', '03:04:05.000006'],
        ['Decimal', '1.10'],
        ['Uuid', '12345678-1234-5678-1234-567812345678'],
      ],
      ['date', 'time', 'Decimal', 'UUID'],
    ],
  },
  {
    shape: 'bytes',
    newer: true,
    python: `
      return [echo_js(b'text'), echo_js(b'\\x00\\xff\\xfe'), echo_js(b''), echo_js([bytes(range(256))]),
              js('describe', b'\\x00\\xff').delay().get(timeout=T)]
    `,
    gives: [
      ['bytes', true],
      ['bytes', true],
      ['bytes', true],
      ['list', true],
      ['Buffer', '00ff'],
    ],
  },
  {
    shape: 'compression zlib and gzip',
    python: `
      text = 'long ' * 1000
      return [js('echo', text).apply_async(compression=name).get(timeout=T) == text for name in ('zlib', 'gzip')]
    `,
    gives: [true, true],
  },
  {
    shape: 'compression bzip2, and pickle: refused',
    python: `
      bz2 = js('add', 1, 2).apply_async(compression='bzip2')
      pickle = js('add', 1, 2).apply_async(serializer='pickle')
      return [raised(bz2), raised(pickle), js('add', 1, 2).delay().get(timeout=T)]
    `,
    gives: [
      ['DecodeError', [expect.stringContaining('bzip2 is not supported')]],
      ['ContentDisallowed', [expect.stringContaining('application/x-python-serialize')]],
      3,
    ],
  },
  {
    shape: 'countdown and eta',
    python: `
      sent = time.time()
      countdown = js('now').apply_async(countdown=0.7)
      eta = js('now').apply_async(eta=datetime.now(timezone.utc) + timedelta(seconds=0.7))
      return [result.get(timeout=T) - sent >= 0.69 for result in (countdown, eta)]
    `,
    gives: [true, true],
  },
  {
    shape: 'expires',
    python: `
      late = js('add', 1, 2).apply_async(expires=datetime(2026, 1, 1, tzinfo=timezone.utc))
      held = js('add', 1, 2).apply_async(countdown=0.5, expires=0.2)
      early = js('add', 1, 2).apply_async(expires=60)
      return [raised(late), late.state, raised(held), early.get(timeout=T)]
    `,
    gives: [['TaskRevokedError', ['expired']], 'REVOKED', ['TaskRevokedError', ['expired']], 3],
  },
  {
    shape: 'priority',
    python: `
      results = [js('request').apply_async(priority=p) for p in (0, 3, 9)]
      return [result.get(timeout=T)['deliveryInfo']['priority'] for result in results]
    `,
    gives: [0, 3, 9],
  },
  {
    shape: 'what the task sees of the call',
    python: `
      sent = js('request', 1).apply_async(headers={'tenant': 't1'}, shadow='shown', time_limit=60, soft_time_limit=50,
                                          task_id='my-id', kwargs={'k': 2}, reply_to='me')
      got = sent.get(timeout=T)
      return {name: got[name] for name in ('id', 'rootId', 'parentId', 'headers', 'shadow', 'timeLimit', 'replyTo',
              'softTimeLimit', 'args', 'kwargs', 'retries', 'correlationId', 'ignoreResult')}
    `,
    gives: {
      id: 'my-id',
      rootId: 'my-id',
      parentId: null,
      headers: { tenant: 't1' },
      shadow: 'shown',
      timeLimit: 60,
      softTimeLimit: 50,
      replyTo: 'me',
      args: [1],
      kwargs: { k: 2 },
      retries: 0,
      correlationId: 'my-id',
      ignoreResult: false,
    },
  },
  {
    shape: 'soft and hard time limits',
    python: `
      soft = js('hang').apply_async(soft_time_limit=0.2, time_limit=20)
      hard = js('hang').apply_async(time_limit=0.2)
      return [raised(soft)[0], raised(hard)]
    `,
    gives: ['SoftTimeLimitExceeded', ['TimeLimitExceeded', [0.2]]],
  },
  {
    shape: 'ignore_result, by the call and by the task',
    python: `
      stored = lambda result: app.backend.client.exists(app.backend.get_key_for_task(result.id))
      by_call = js('record', 1, 'ignored').apply_async(ignore_result=True)
      js('recall', 'ignored').delay().get(timeout=T)
      chained = (js('add', 1, 1) | js('ignored') | js('add', 5)).delay()
      return [by_call.get(timeout=T), stored(by_call), chained.get(timeout=T), stored(chained.parent)]
    `,
    gives: [null, 0, 7, 0],
  },
  {
    shape: 'protocol 1',
    python: `
      app.conf.task_protocol = 1
      app.amqp.__dict__.pop('create_task_message', None)
      sent = js('add', 2, y=3).apply_async(link=js('record', 'protocol-1'))
      app.conf.task_protocol = 2
      app.amqp.__dict__.pop('create_task_message', None)
      return [sent.get(timeout=T), js('recall', 'protocol-1').delay().get(timeout=T)]
    `,
    gives: [5, [5]],
  },
]
