// What a worker does on TERM, HUP, INT and QUIT, as a table: (state, signal) → (state, action, words).
//
//   running ──TERM, INT──▶ warm ──QUIT, INT again──▶ cold ──INT, INT──▶ exit at once
//      └──────QUIT────────────────────────────────────▲
//
// A repeated TERM changes nothing: npm and process groups deliver it twice. HUP (a terminal that closes, a
// supervisor that wants a reload) is as TERM: to start again is the supervisor's part. USR1 tells what runs, USR2 is about
// a debugger.

export type WorkerSignal = 'SIGTERM' | 'SIGHUP' | 'SIGINT' | 'SIGQUIT'

/** `warm`: let running tasks end. `cold`: abort them and give them back. `exit`: leave now. */
export type SignalAction = 'warm' | 'cold' | 'exit' | 'none'

export interface SignalState {
  readonly phase: 'running' | 'warm' | 'cold'
  /** INTs heard in this phase, the one that began it included. */
  readonly ints: number
  /** An INT was heard at any time: the exit code is 1 then, otherwise 0. */
  readonly interrupted: boolean
}

export interface SignalStep {
  readonly state: SignalState
  readonly action: SignalAction
  /** For the terminal. */
  readonly say?: string
}

export const signalsAtStart: SignalState = { phase: 'running', ints: 0, interrupted: false }

const warm = 'worker: Warm shutdown (MainProcess)'
const cold = 'worker: Cold shutdown (MainProcess)'
const coldNext = 'worker: Hitting Ctrl+C again will initiate cold shutdown, terminating all running tasks!'
const exitNext = 'worker: Hitting Ctrl+C again will exit at once, without waiting for anything!'

export const onSignal = (state: SignalState, signal: WorkerSignal): SignalStep => {
  const { phase } = state
  if (signal === 'SIGTERM' || signal === 'SIGHUP')
    return phase === 'running'
      ? { state: { ...state, phase: 'warm' }, action: 'warm', say: warm }
      : { state, action: 'none' }
  if (signal === 'SIGQUIT')
    return phase === 'cold'
      ? { state, action: 'none' }
      : { state: { ...state, phase: 'cold', ints: 0 }, action: 'cold', say: cold }

  const ints = state.ints + 1
  if (phase === 'running')
    return {
      state: { phase: 'warm', ints, interrupted: true },
      action: 'warm',
      say: `${coldNext}\n${warm}`,
    }
  if (phase === 'warm')
    return ints === 1
      ? { state: { phase, ints, interrupted: true }, action: 'none', say: coldNext }
      : { state: { phase: 'cold', ints: 0, interrupted: true }, action: 'cold', say: cold }
  return ints === 1
    ? { state: { phase, ints, interrupted: true }, action: 'none', say: exitNext }
    : { state: { phase, ints, interrupted: true }, action: 'exit' }
}

/** What makes a worker stop: a signal, or undefined for a word in code or from afar. */
export interface StopCause {
  readonly sig: WorkerSignal | undefined
  readonly exitcode: 0 | 1
}

export interface InstalledSignals {
  /** 1 after an INT (the shell's convention for "somebody stopped it"), else 0. */
  readonly exitCode: () => 0 | 1
  /** From now on the signals do what they did before. */
  readonly remove: () => void
}

export interface SignalOptions {
  /** Default: standard output, where Celery writes these lines. */
  readonly say?: (text: string) => void
  /** `REMAP_SIGTERM=SIGQUIT` makes TERM cold, for platforms that only send TERM. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** On USR1, where Celery shows its stacks. Without it the signal does what it does in Node: it opens the inspector. */
  readonly onUsr1?: () => void
  /** On USR2. Without it the signal does what it does in Node: it ends the process. */
  readonly onUsr2?: () => void
}

/** npm passes on a Ctrl+C that the process got from the terminal as well; a hand is slower than this. */
const sameKeystrokeMs = 100

/** Listens until `remove()`. `exit` is carried out here: nothing is left to wait for. */
export const installSignals = (
  onAction: (action: 'warm' | 'cold', by: StopCause) => void,
  {
    say = (text) => void process.stdout.write(`${text}\n`),
    env = process.env,
    onUsr1,
    onUsr2,
  }: SignalOptions = {},
): InstalledSignals => {
  let state = signalsAtStart
  const exitCode = (): 0 | 1 => (state.interrupted ? 1 : 0)
  let lastIntAt = Number.NEGATIVE_INFINITY
  const listener = (received: NodeJS.Signals): void => {
    if (received === 'SIGINT') {
      const before = lastIntAt
      lastIntAt = performance.now()
      if (lastIntAt - before < sameKeystrokeMs) return
    }
    const signal = received === 'SIGTERM' && env.REMAP_SIGTERM === 'SIGQUIT' ? 'SIGQUIT' : received
    const step = onSignal(state, signal as WorkerSignal)
    state = step.state
    if (step.say !== undefined) say(`\n${step.say}`)
    if (step.action === 'exit') process.exit(1)
    if (step.action !== 'none') onAction(step.action, { sig: signal as WorkerSignal, exitcode: exitCode() })
  }
  const signals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
  for (const signal of signals) process.on(signal, listener)
  if (onUsr1 !== undefined) process.on('SIGUSR1', onUsr1)
  if (onUsr2 !== undefined) process.on('SIGUSR2', onUsr2)
  return {
    exitCode,
    remove: () => {
      for (const signal of signals) process.off(signal, listener)
      if (onUsr1 !== undefined) process.off('SIGUSR1', onUsr1)
      if (onUsr2 !== undefined) process.off('SIGUSR2', onUsr2)
    },
  }
}
