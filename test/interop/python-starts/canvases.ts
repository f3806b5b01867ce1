// Python sends a canvas of Node tasks.
import type { PythonCase } from '../cases.js'

export const canvases: readonly PythonCase[] = [
  {
    shape: 'chain, with its parents',
    python: `
      result = (js('add', 2, 2) | js('add', 4) | js('mul', 10)).delay()
      return [result.get(timeout=T), result.parent.get(), result.parent.parent.get(), result.parent.parent.parent]
    `,
    gives: [80, 8, 4, null],
  },
  {
    shape: 'chain of immutable signatures',
    python: `
      result = chain(js('add', 2, 2).set(immutable=True), js('add', 4, 4).set(immutable=True)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T)]
    `,
    gives: [8, 4],
  },
  {
    shape: 'root and parent ids along a chain',
    python: `
      result = (js('request') | js('request') | js('request')).delay()
      last = result.get(timeout=T)
      stored = [app.backend.get_task_meta(r.id).get('parent_id') for r in (result, result.parent, result.parent.parent)]
      return [last['rootId'] == result.parent.parent.id, last['parentId'] == result.parent.id,
              stored == [result.parent.id, result.parent.parent.id, None]]
    `,
    gives: [true, true, true],
  },
  {
    shape: 'a chain whose middle fails',
    python: `
      result = (js('add', 1, 1) | js('fail', 'ValueError').set(immutable=True) | js('add', 1)).delay()
      return [raised(result), result.state, result.parent.state, result.parent.parent.get(timeout=T)]
    `,
    gives: [['ValueError', ['boom', 42]], 'FAILURE', 'FAILURE', 2],
  },
  {
    shape: 'group',
    python: `
      result = group(js('add', i, i) for i in range(5)).delay()
      return [result.get(timeout=T), result.successful(), result.completed_count(), len(result.children)]
    `,
    gives: [[0, 2, 4, 6, 8], true, 5, 5],
  },
  {
    shape: 'group: saved and restored',
    python: `
      result = group(js('add', i, 1) for i in range(3)).delay()
      result.save()
      gid = result.id
      del result  # Celery tells only the first of two handles
      return GroupResult.restore(gid).get(timeout=T)
    `,
    gives: [1, 2, 3],
  },
  {
    shape: 'group inside a chain, and at its end',
    python: `
      inside = (js('add', 1, 1) | group(js('add', 10), js('mul', 10)) | js('sum') | js('add', 100)).delay()
      end = (js('add', 1, 1) | group(js('add', 10), js('mul', 10))).delay()
      return [inside.get(timeout=T), end.get(timeout=T), end.parent.get(timeout=T)]
    `,
    gives: [132, [12, 20], 2],
  },
  {
    shape: 'chord',
    python: `
      result = chord([js('add', i, i) for i in range(5)], js('sum')).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T)]
    `,
    gives: [20, [0, 2, 4, 6, 8]],
  },
  {
    shape: 'chord: one task, no task, order of the results',
    python: `
      one = chord([js('add', 1, 2)], js('sum')).delay()
      none = chord([], js('ident', 'end')).delay()
      order = chord([js('flaky', 2), js('echo', 'b'), js('flaky', 1), js('echo', 'd')], js('echo')).delay()
      return [one.get(timeout=T), none.get(timeout=T), order.get(timeout=T)]
    `,
    gives: [3, [[], 'end'], [2, 'b', 1, 'd']],
  },
  {
    shape: 'chord in a chain',
    python: `
      result = (js('add', 1, 1) | chord([js('add', 1), js('add', 2)], js('sum')) | js('mul', 10)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T), result.parent.parent.get(timeout=T),
              result.parent.parent.parent.get(timeout=T)]
    `,
    gives: [70, 7, [3, 4], 2],
  },
  {
    shape: 'chord: chains in the header, a chain as the body',
    python: `
      result = chord([js('add', 1, 1) | js('mul', 10), js('add', 2, 2) | js('mul', 10)], js('sum') | js('add', 5)).delay()
      return [result.get(timeout=T), result.parent.get(timeout=T)]
    `,
    gives: [65, [20, 40]],
  },
  {
    shape: 'chord: a group as the body',
    python: `
      result = chord([js('add', 1, 1), js('add', 2, 2)], group(js('sum'), js('echo'))).delay()
      return result.get(timeout=T)
    `,
    gives: [6, [2, 4]],
  },
  {
    shape: 'chord in the header of a chord',
    python: `
      inner = chord([js('add', 1, 1), js('add', 2, 2)], js('sum'))
      return chord([inner, js('add', 10, 10)], js('echo')).delay().get(timeout=T)
    `,
    gives: [6, 20],
  },
  {
    shape: 'a group in the header of a chord',
    python: `
      result = chord([js('add', 1, 1), group(js('add', 2, 2), js('add', 3, 3)), js('add', 4, 4)], js('sum')).delay()
      return result.get(timeout=T)
    `,
    gives: 20,
  },
  {
    shape: 'a header chain that ends in a group',
    python: `
      header = [js('add', 1, 1) | group(js('add', 2), js('add', 3)), js('add', 4, 4)]
      return chord(header, js('echo')).delay().get(timeout=T)
    `,
    gives: [[4, 5], 8],
  },
  {
    shape: 'two chords in a row',
    python: `
      first = chord([js('add', 1, 1), js('add', 2, 2)], js('sum'))
      result = (first | group(js('add', 1), js('add', 2)) | js('sum')).delay()
      return result.get(timeout=T)
    `,
    gives: 15,
  },
  {
    shape: 'a chord whose header fails',
    python: `
      result = chord([js('add', 1, 1), js('fail', 'ValueError')], js('sum')).delay()
      until(result.ready)  # get() may raise the header's error instead: it looks at the parents first
      error = result.result
      return [type(error).__name__, str(error).replace(result.parent.results[1].id, 'ID'), result.state]
    `,
    gives: ['ChordError', "Dependency ID raised ValueError('boom', 42)", 'FAILURE'],
  },
  {
    shape: 'a chord whose header is unregistered, or expired',
    python: `
      def after(bad):
          result = chord([js('add', 1, 1), bad], js('sum')).delay()
          until(result.ready)
          return type(result.result).__name__
      return [after(js('nobody')), after(js('add', 1, 1).set(expires=datetime(2026, 1, 1, tzinfo=timezone.utc)))]
    `,
    gives: ['ChordError', 'ChordError'],
  },
  {
    shape: 'map, starmap and chunks',
    python: `
      # Celery asks neither the task nor the map for its queue: the call must name it.
      mapped = xmap(js('mul'), [1, 2, 3]).apply_async(queue='js')
      starred = xstarmap(js('mul'), [(1, 2), (3, 4)]).apply_async(queue='js')
      chunked = chunks(js('mul'), [(1, 2), (3, 4), (5, 6)], 2).group().apply_async(queue='js')
      return [mapped.get(timeout=T), starred.get(timeout=T), chunked.get(timeout=T)]
    `,
    gives: [
      [1, 2, 3],
      [2, 12],
      [[2, 12], [30]],
    ],
  },
  {
    shape: 'link, one and two',
    python: `
      one = js('add', 1, 2).apply_async(link=js('record', 'link-one'))
      two = js('add', 3, 4).apply_async(link=[js('record', 'link-a'), js('add', 10) | js('record', 'link-b')])
      wide = (js('add', 1, 1) | group(js('add', 1), js('add', 2))).apply_async(link=js('record', 'link-each'))
      return [one.get(timeout=T), two.get(timeout=T), wide.get(timeout=T),
              [js('recall', key).delay().get(timeout=T) for key in ('link-one', 'link-a', 'link-b')],
              sorted(js('recall', 'link-each', 2).delay().get(timeout=T)),
              [child.get(timeout=T) for child in one.children]]
    `,
    gives: [3, 7, [3, 4], [[3], [7], [17]], [3, 4], [3]],
  },
  {
    shape: 'link_error',
    python: `
      failed = js('fail', 'ValueError').apply_async(link_error=js('record', 'errback'))
      name, _ = raised(failed)
      # A single callback that was set as an option stands in the message without a list.
      behind = js('add', 1).set(link=js('record', 'never'), link_error=js('record', 'never'))
      waiting = (js('fail', 'KeyError') | behind).apply_async(link_error=js('record', 'errback-chain'))
      return [name, js('recall', 'errback').delay().get(timeout=T) == [failed.id], raised(waiting)[0],
              js('recall', 'errback-chain').delay().get(timeout=T) == [waiting.parent.id]]
    `,
    gives: ['ValueError', true, 'KeyError', true],
  },
  {
    shape: "link_error with `errback: 'full'`",
    python: `
      failed = js('fail', 'ValueError').apply_async(link_error=js('recordError', 'errback-full'))
      raised(failed)
      [[request, name, message, traceback]] = js('recall', 'errback-full').delay().get(timeout=T)
      return [request['id'] == failed.id, request['task'], name, message, traceback]
    `,
    gives: [true, 'js.fail', 'ValueError', 'boom, 42', 'string'],
  },
  {
    shape: 'link_error of a chain, a group and a chord',
    python: `
      c = (js('add', 1, 1) | js('fail', 'ValueError').set(immutable=True)).on_error(js('record', 'eb-chain')).delay()
      g = group(js('fail', 'KeyError'), js('add', 1, 1)).on_error(js('record', 'eb-group')).delay()
      body = js('sum').on_error(js('record', 'eb-chord'))
      h = chord([js('fail', 'KeyError'), js('add', 1, 1)], body).delay()
      errors = [type(until(r.ready) and r.result).__name__ for r in (c, g.results[0], h)]
      wanted = {'eb-chain': [c.id], 'eb-group': [g.results[0].id], 'eb-chord': [h.id]}
      return [errors, {key: js('recall', key).delay().get(timeout=T) == ids for key, ids in wanted.items()}]
    `,
    gives: [
      ['ValueError', 'KeyError', 'ChordError'],
      { 'eb-chain': true, 'eb-group': true, 'eb-chord': true },
    ],
  },
  {
    shape: 'a retry keeps what follows',
    python: `
      first = js('flaky', 2).set(headers={'tenant': 't1'}, priority=3, link=js('record', 'link-after-retry'))
      result = (first | js('add', 40) | js('request')).delay()
      request = result.get(timeout=T)
      in_chord = chord([js('flaky', 1), js('flaky', 2)], js('sum')).delay()
      return [result.parent.get(timeout=T), result.parent.parent.get(timeout=T), request['parentId'] == result.parent.id,
              request['rootId'] == result.parent.parent.id, in_chord.get(timeout=T),
              js('recall', 'link-after-retry').delay().get(timeout=T)]
    `,
    gives: [42, 2, true, true, 3, [2]],
  },
  {
    shape: 'replace: with a task, a chain, a group, a chord',
    python: `
      replaced = lambda kind: js('replace', kind, 1, 2)
      alone = [replaced(kind).delay().get(timeout=T) for kind in ('task', 'chain', 'group', 'chord')]
      header = chord([replaced('chain'), js('add', 1, 1)], js('sum')).delay().get(timeout=T)
      return [alone, (replaced('task') | js('add', 10)).delay().get(timeout=T), header]
    `,
    gives: [[3, 30, [2, 3], 5], 13, 32],
  },
  {
    shape: 'stamps, fixed and by a visitor',
    newer: true,
    python: `
      from celery.canvas import StampingVisitor
      class Visitor(StampingVisitor):
          def on_signature(self, sig, **headers):
              return {'run': 7}
          def on_callback(self, sig, **headers):
              return {'after': True}
      fixed = js('request')
      fixed.stamp(customer='acme')
      visited = chain(js('request'), js('request'))
      visited.stamp(Visitor(), customer='acme')
      return [fixed.delay().get(timeout=T)['stamps'], visited.delay().get(timeout=T)['stamps']]
    `,
    gives: [{ customer: 'acme' }, { customer: 'acme', run: 7 }],
  },
  {
    shape: 'addToChord',
    python: `
      return chord([js('grow', 5), js('add', 1, 1)], js('sum')).delay().get(timeout=T)
    `,
    gives: 5 + 50 + 2,
  },
  {
    shape: 'a group that was saved, restored by the other side',
    python: `
      result = group(js('add', i, 1) for i in range(3)).delay()
      result.save()
      return js('restore', result.id).delay().get(timeout=T) == [r.id for r in result.results]
    `,
    gives: true,
  },
  {
    shape: 'the built-in tasks that send canvases',
    python: `
      from celery.result import result_from_tuple
      send = lambda name, *args, **kwargs: app.send_task('celery.' + name, args, kwargs, queue='js')
      # Celery tells only the first of two handles, and the children of what was sent are handles as well.
      value = lambda id: until(lambda: app.backend.get_task_meta(id)['status'] == 'SUCCESS' and app.backend.get_task_meta(id))['result']
      chunked = result_from_tuple(send('chunks', task=js('add'), it=[[1, 2], [3, 4]], n=1).get(timeout=T))
      joined = result_from_tuple(send('chord', [js('add', 1), js('add', 2)], js('sum'), partial_args=[10]).get(timeout=T))
      ids = [js('add', n, n).delay().id for n in (1, 2)]
      send('chord_unlock', 'g', js('sum').set(task_id='unlocked'), interval=0.05, result=[[[i, None], None] for i in ids])
      grouped = [['g2', None], [[['in-g2', None], None]]]
      send('group', [js('add', 1).set(task_id='in-g2')], grouped, 'g2', [41])
      return [[value(r.id) for r in chunked.results], value(joined.id), value('unlocked'), value('in-g2')]
    `,
    gives: [[[3], [7]], 23, 6, 42],
  },
]
