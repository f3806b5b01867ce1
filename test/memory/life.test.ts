// Random lives: workers that claim, run, report, crash, freeze, come back late and resend, over chains and a
// chord. Whatever happened, once somebody works quietly to the end: no task is lost, no edge ran twice, the
// chord was joined once with every member.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { transition } from '../../src/memory/engine.js'
import { snapshot } from './snapshot.js'
import type { Completion, Delivery, Join } from '../../src/runtime/consumer.js'
import { chord, end, part, push, result, success, theChord } from '../conformance/words.js'
import { operation, play, registration, stepOf } from './play.js'

const heads = ['h0', 'h1', 'h2']
const chains = ['c0', 'c1']

/** What follows from a task: a chain goes on for three steps (and ignores its results), a header reports. */
const completionOf = (delivery: Delivery): Completion => {
  const id = delivery.raw.toString()
  if (id.startsWith('h')) return end(delivery, { results: [success(id)], parts: [part(id, Number(id[1]))] })
  const next = id.length < 4 ? [push(`${id}'`)] : []
  return end(delivery, { fence: `${id}:0:0:`, pushes: [...next, push(id, { queue: 'edges' })] })
}

const often = ['claim', 'claim', 'finish', 'finish', 'finish', 'finish'] as const

const act = fc.record({
  worker: fc.nat(2),
  what: fc.constantFrom(...often, 'join', 'crash', 'back', 'release', 'store', 'duplicate', 'resend'),
  lane: fc.nat(1),
  pick: fc.nat(),
  slots: fc.integer({ min: 0, max: 3 }),
})

interface Worker {
  id: string
  held: Delivery[]
  /** Joins that it got and has not published. */
  owed: { tag: string; join: Omit<Join, 'completion'> }[]
  last: ReturnType<typeof stepOf> | null
}

test('whatever happens on the way, each edge runs once and nothing is lost', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 20, maxLength: 80 }), (acts) => {
      const { state, send } = play()
      let ids = 0
      let request = 0
      const register = (): Worker => {
        ids += 1
        send('register', { ...registration(`w${ids}`), leaseMs: 1_000_000 })
        return { id: `w${ids}`, held: [], owed: [], last: null }
      }
      const workers = [register(), register(), register()]
      const bodies: string[] = []
      send('publish', { pushes: [...heads, ...chains].map((id) => push(id)), chords: [chord(heads.length)] })

      const step = (worker: Worker, lane: number, slots: number, completions: readonly Completion[]) => {
        request += 1
        worker.last = stepOf(worker.id, request, slots, completions, lane)
        const reply = send('step', worker.last)
        // A frozen worker whose messages others have: it forgets everything and starts anew.
        if (reply.kind !== 'done') {
          Object.assign(worker, register())
          return null
        }
        worker.held = worker.held.filter(({ tag }) => !completions.some((one) => one.tag === tag))
        for (const { completion, ...join } of reply.joins)
          worker.owed.push({ tag: (completions[completion] as Completion).tag, join })
        for (const delivery of reply.deliveries) receive(worker, delivery)
        return reply
      }
      const receive = (worker: Worker, delivery: Delivery) => {
        // A lost one is ended like the others here: that it ends once is what counts.
        if (delivery.lost || !delivery.uncertain) worker.held.push(delivery)
        else {
          const id = delivery.raw.toString()
          const parts = id.startsWith('h') ? [part(id)] : []
          const note = send('note', { consumer: worker.id, tag: delivery.tag, fence: `${id}:0:0:`, parts })
          if (note.kind === 'run') worker.held.push(delivery)
          else if (note.kind === 'done' && note.joins.length === 0) step(worker, 0, 0, [end(delivery)])
          else if (note.kind === 'done')
            for (const join of note.joins) worker.owed.push({ tag: delivery.tag, join })
        }
      }
      const publishBody = (worker: Worker) => {
        const owed = worker.owed.shift()
        if (owed === undefined) return
        const body = end(
          { tag: owed.tag },
          { joined: [theChord], pushes: [push('body', { queue: 'bodies' })] },
        )
        const reply = step(worker, 0, 0, [body])
        if (reply?.refused.length === 0) bodies.push(owed.join.members.join())
      }
      const crash = (worker: Worker) => {
        send('renew', { consumer: worker.id, leaseMs: -1 })
        send('reap', {})
      }

      for (const { worker: index, what, lane, pick, slots } of acts) {
        const worker = workers[index] as Worker
        const delivery = worker.held[pick % (worker.held.length || 1)]
        if (what === 'claim') step(worker, lane, slots, [])
        if (what === 'finish' && delivery) step(worker, lane, slots, [completionOf(delivery)])
        if (what === 'back' && delivery && !delivery.lost)
          step(worker, lane, 0, [end(delivery, { ending: { kind: 'back' } })])
        if (what === 'release' && delivery) send('release', { consumer: worker.id, tag: delivery.tag })
        if (what === 'store' && delivery?.raw.toString().startsWith('h'))
          send('store', {
            consumer: worker.id,
            tag: delivery.tag,
            result: result(delivery.raw.toString(), 'STARTED'),
          })
        if (what === 'join') publishBody(worker)
        if (what === 'crash') {
          crash(worker)
          // Half of the dead come back and complete what is no longer theirs.
          if (pick % 2 === 0) workers[index] = register()
        }
        if (what === 'duplicate') {
          const all = [...heads, ...chains]
          send('publish', { pushes: [push(all[pick % all.length] as string)], chords: [] })
        }
        if (what === 'resend' && worker.last) {
          const before = JSON.stringify(snapshot(state))
          send('step', worker.last)
          expect(JSON.stringify(snapshot(state))).toBe(before)
        }
      }

      for (const worker of workers) crash(worker)
      const quiet = register()
      for (let idle = 0; idle < 2; ) {
        const delivery = quiet.held[0]
        const reply = step(quiet, 0, 1, delivery ? [completionOf(delivery)] : [])
        while (quiet.owed.length > 0) publishBody(quiet)
        idle = reply?.deliveries.length === 0 && quiet.held.length === 0 ? idle + 1 : 0
      }

      expect(send('read', { taskIds: heads })).toEqual(heads.map((id) => success(id).text))
      expect(send('length', { queue: 'bodies' })).toBe(1)
      expect(bodies).toEqual([heads.map((id, i) => part(id, i).member).join()])
      expect(send('length', { queue: 'edges' })).toBe(3 * chains.length)
      expect(send('length', { queue: 'q' })).toBe(0)
      expect(state.held.size).toBe(0)
    }),
    { numRuns: 1000 },
  )
})

test('a transition that is looked at only changes nothing', () => {
  const { state, send } = play()
  send('publish', { pushes: [push('a')], chords: [] })
  const before = JSON.stringify(snapshot(state))
  transition(state, operation('purge', { queue: 'q' }))
  expect(JSON.stringify(snapshot(state))).toBe(before)
})
