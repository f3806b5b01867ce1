// The table of a worker's signals (spec 9.3), and the listening itself.
import { describe, expect, it } from 'vitest'
import {
  installSignals,
  onSignal,
  type SignalAction,
  signalsAtStart,
  type WorkerSignal,
} from '../../src/runtime/worker/signals.js'

const play = (...signals: ('TERM' | 'HUP' | 'INT' | 'QUIT')[]) => {
  let state = signalsAtStart
  const actions: SignalAction[] = []
  const said: string[] = []
  for (const signal of signals) {
    const step = onSignal(state, `SIG${signal}` as WorkerSignal)
    state = step.state
    actions.push(step.action)
    said.push(step.say ?? '')
  }
  return { actions, said, interrupted: state.interrupted }
}

describe('a worker’s signals', () => {
  it('TERM is warm, and repeats change nothing', () => {
    expect(play('TERM', 'TERM', 'TERM')).toEqual({
      actions: ['warm', 'none', 'none'],
      said: ['worker: Warm shutdown (MainProcess)', '', ''],
      interrupted: false,
    })
  })

  it('HUP is as TERM: a terminal that closes loses nothing', () => {
    expect(play('HUP', 'TERM', 'HUP').actions).toEqual(['warm', 'none', 'none'])
    expect(play('HUP', 'QUIT')).toMatchObject({ actions: ['warm', 'cold'], interrupted: false })
  })

  it('TERM, then QUIT, is cold', () => {
    expect(play('TERM', 'QUIT', 'QUIT', 'TERM').actions).toEqual(['warm', 'cold', 'none', 'none'])
  })

  it('QUIT is cold at once', () => {
    expect(play('QUIT')).toMatchObject({ actions: ['cold'], said: ['worker: Cold shutdown (MainProcess)'] })
  })

  it('INT is warm, the second cold, the third a warning, the fourth leaves', () => {
    const { actions, said, interrupted } = play('INT', 'INT', 'INT', 'INT')
    expect(actions).toEqual(['warm', 'cold', 'none', 'exit'])
    expect(said[0]).toMatch(/again will initiate cold shutdown.*\nworker: Warm shutdown/)
    expect(said[2]).toMatch(/again will exit at once/)
    expect(interrupted).toBe(true)
  })

  it('TERM, then INT, warns first', () => {
    expect(play('TERM', 'INT', 'INT').actions).toEqual(['warm', 'none', 'cold'])
  })

  it('QUIT, then INT twice, leaves', () => {
    expect(play('QUIT', 'INT', 'INT').actions).toEqual(['cold', 'none', 'exit'])
  })
})

describe('installSignals', () => {
  const listen = (env: Record<string, string> = {}) => {
    const actions: string[] = []
    const said: string[] = []
    const installed = installSignals((action) => actions.push(action), {
      say: (text) => said.push(text),
      env,
    })
    return { actions, said, installed }
  }

  it('acts on the signals of the process until it is removed', () => {
    const before = process.listenerCount('SIGTERM')
    const { actions, said, installed } = listen()
    process.emit('SIGTERM', 'SIGTERM')
    expect(actions).toEqual(['warm'])
    expect(said).toEqual(['\nworker: Warm shutdown (MainProcess)'])
    expect(installed.exitCode()).toBe(0)
    installed.remove()
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })

  it('counts a Ctrl+C that came twice at the same moment once', () => {
    const { actions, installed } = listen()
    process.emit('SIGINT', 'SIGINT')
    process.emit('SIGINT', 'SIGINT')
    installed.remove()
    expect(actions).toEqual(['warm'])
    expect(installed.exitCode()).toBe(1)
  })

  it('takes TERM for QUIT where REMAP_SIGTERM says so', () => {
    const { actions, installed } = listen({ REMAP_SIGTERM: 'SIGQUIT' })
    process.emit('SIGTERM', 'SIGTERM')
    installed.remove()
    expect(actions).toEqual(['cold'])
  })
})
