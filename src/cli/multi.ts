// lovage multi: several workers of one machine, each a process of its own that outlives this one. Words, default
// files and the % forms are Celery's; what is not understood here goes to the workers as it is.
import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { type Context, globalsOf } from './context.js'
import { Fault } from './fault.js'
import { type Node, planNodes } from './multi-plan.js'
import { runningPid } from './pidfile.js'

const verbs = ['start', 'stop', 'stopwait', 'restart', 'kill', 'show', 'names'] as const
type Verb = (typeof verbs)[number]

/** How often stopwait looks. */
const lookMs = 200
/** A worker that has not written its pidfile by then has not started. */
const startMs = 30_000

const pidOf = ({ pidfile }: Node): number | undefined => runningPid(pidfile)

const until = async (holds: () => boolean, ms: number): Promise<boolean> => {
  for (const end = Date.now() + ms; !holds(); await sleep(lookMs)) if (Date.now() > end) return false
  return true
}

export const multiCommand = ({ io }: Context, exit: (code: 0 | 1) => void): Command =>
  new Command('multi')
    .description('start, stop and restart several workers of this machine')
    .argument('<verb>', verbs.join(', '))
    .argument('[words...]', 'names of nodes or a number of them, and options of `lovage worker`')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', help)
    .action(async (verb: string, words: readonly string[], _options: unknown, command: Command) => {
      if (!(verbs as readonly string[]).includes(verb))
        throw new Fault(`lovage multi ${verb}: expected one of ${verbs.join(', ')}.`)
      if (words.some((word) => word === '-h' || word === '--help')) command.help()
      const { nodes, signal } = planNodes(words, hostname(), globalWords(command))
      const done = await act(verb as Verb, nodes, signal, (text) => io.out(text))
      exit(done ? 0 : 1)
    })

const help = `
A number makes that many nodes, celery1@host … An option may be for some of them: -c:1 10, -Q:celery2 io.
Files: --pidfile (default: ./%n.pid) and --logfile (./%n%I.log); %n is the node's name before the @.

Examples:
  lovage multi start 2 -A proj/tasks.ts -l INFO -c 3 -c:1 10
  lovage multi restart w1 w2 -A proj/tasks.ts --pidfile=/run/proj/%n.pid
  lovage multi stopwait 2`

/** What stands before `multi` is meant for the workers. */
const globalWords = (command: Command): readonly string[] => {
  const { app, broker, resultBackend, workdir } = globalsOf(command)
  return [
    ...(app === undefined ? [] : ['-A', app]),
    ...(broker === undefined ? [] : ['-b', broker]),
    ...(resultBackend === undefined ? [] : ['--result-backend', resultBackend]),
    ...(workdir === undefined ? [] : ['--workdir', resolve(workdir)]),
  ]
}

/** False when one of them did not do as it was told. */
const act = async (
  verb: Verb,
  nodes: readonly Node[],
  signal: NodeJS.Signals,
  say: (text: string) => void,
): Promise<boolean> => {
  if (verb === 'names') nodes.forEach(({ name }) => say(name))
  if (verb === 'show') nodes.forEach(({ words }) => say(['lovage', ...words].join(' ')))
  if (verb === 'names' || verb === 'show') return true
  if (verb === 'start') return startAll(nodes, say)
  if (verb === 'kill') return end(nodes, 'SIGKILL', false, say)
  if (verb === 'stop') return end(nodes, signal, false, say)
  const ended = await end(nodes, signal, true, say)
  return verb === 'stopwait' ? ended : startAll(nodes, say)
}

const startAll = async (nodes: readonly Node[], say: (text: string) => void): Promise<boolean> => {
  say('> Starting nodes...')
  const started: boolean[] = []
  for (const node of nodes) {
    const ok = await startOne(node)
    started.push(ok)
    say(`\t> ${node.name}: ${ok ? 'OK' : `* did not start; see ${node.logfile}`}`)
  }
  return started.every(Boolean)
}

const startOne = async (node: Node): Promise<boolean> => {
  // One that runs is not started again: its pidfile would refuse it.
  if (pidOf(node) !== undefined) return false
  for (const file of [node.pidfile, node.logfile]) mkdirSync(dirname(resolve(file)), { recursive: true })
  const log = openSync(node.logfile, 'a')
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const child = spawn(process.execPath, [main, ...node.words], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  let over = false
  child.on('exit', () => {
    over = true
  })
  child.unref()
  await until(() => over || pidOf(node) !== undefined, startMs)
  return pidOf(node) !== undefined
}

const end = async (
  nodes: readonly Node[],
  signal: NodeJS.Signals,
  wait: boolean,
  say: (text: string) => void,
): Promise<boolean> => {
  say('> Stopping nodes...')
  const alive = nodes.flatMap((node) => {
    const pid = pidOf(node)
    if (pid === undefined) {
      say(`\t> ${node.name}: DOWN`)
      return []
    }
    try {
      process.kill(pid, signal)
    } catch (error) {
      say(`\t> ${node.name}: * ${signal.slice(3)} -> ${pid} failed: ${(error as Error).message}`)
      return []
    }
    say(`\t> ${node.name}: ${signal.slice(3)} -> ${pid}`)
    return [node]
  })
  if (wait)
    for (const node of alive) {
      // However long its tasks take.
      while (pidOf(node) !== undefined) await sleep(lookMs)
      say(`\t> ${node.name}: OK`)
    }
  return alive.length === nodes.length
}
