// lovage inspect, control, status: remote control from the command line. Words, output and exit codes are
// Celery's (spec 4.1), since scripts read them.
import { Command } from 'commander'
import { appFor, type Context } from './context.js'
import { onlineText, replyText } from './control-print.js'
import { type ControlWord, controlWords, inspectWords } from './control-words.js'
import { type ExitCode, Fault } from './fault.js'
import { lists, secondsOption } from './options.js'

interface Options {
  readonly timeout: number
  readonly destination?: readonly string[]
  readonly json?: boolean
  readonly list?: boolean
}

/** EX_UNAVAILABLE: Celery's answer where nobody answered. */
const unavailable = 69

const listText = (words: Readonly<Record<string, ControlWord>>): string =>
  Object.entries(words)
    .map(([name, { words: takes, about }]) => `${`${name} ${takes}`.trim().padEnd(46)} ${about}`)
    .join('\n')

const withOptions = (command: Command): Command =>
  command
    .option('-t, --timeout <seconds>', 'of silence, after which nobody else is waited for', secondsOption, 1)
    .option('-d, --destination <nodes>', 'only these nodes (comma-separated)', lists)
    .option('-j, --json', 'print JSON')

const remote = (
  { io }: Context,
  name: 'inspect' | 'control',
  about: string,
  known: Readonly<Record<string, ControlWord>>,
): Command =>
  withOptions(new Command(name))
    .description(about)
    .argument('[command]', 'see --list')
    .argument('[words...]')
    .option('--list', 'list the commands')
    .addHelpText('after', `\nCommands:\n${listText(known).replace(/^/gm, '  ')}`)
    .action(
      async (method: string | undefined, words: readonly string[], options: Options, command: Command) => {
        if (options.list) return io.out(listText(known))
        const word = method !== undefined && Object.hasOwn(known, method) ? known[method] : undefined
        if (method === undefined || word === undefined)
          throw new Fault(
            `${method === undefined ? 'Expected a command' : `There is no command ${method}`}. lovage ${name} knows: ${Object.keys(known).join(', ')}.`,
          )
        const args = word.read(words)
        const replies = await ask(command, method, args, options, io)
        if (replies.length === 0) throw nobody()
        if (options.json) io.out(JSON.stringify(name === 'inspect' ? Object.assign({}, ...replies) : replies))
        else {
          for (const reply of replies) io.out(replyText(reply))
          if (name === 'inspect') io.out(onlineText(replies.length))
        }
      },
    )

const nobody = (): Fault => new Fault('Error: No nodes replied within time constraint', unavailable)

const ask = async (
  command: Command,
  method: string,
  args: Readonly<Record<string, unknown>>,
  { timeout, destination }: Options,
  io: Context['io'],
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const app = await appFor(command, io, false)
  try {
    return await app.control.broadcast(method, args, {
      reply: true,
      timeout,
      ...(destination && { destination }),
    })
  } catch (error) {
    if (error instanceof Error && error.name === 'OperationalError')
      throw new Fault(error.message, unavailable satisfies ExitCode, error)
    throw error
  } finally {
    await app.close()
  }
}

export const inspectCommand = (context: Context): Command =>
  remote(context, 'inspect', 'ask running workers, those in Python as well', inspectWords)

export const controlCommand = (context: Context): Command =>
  remote(context, 'control', 'tell running workers what to do, those in Python as well', controlWords)

export const statusCommand = ({ io }: Context): Command =>
  withOptions(new Command('status'))
    .description('list the workers that are online')
    .action(async (options: Options, command: Command) => {
      const replies = await ask(command, 'ping', {}, options, io)
      if (replies.length === 0) throw nobody()
      if (options.json) io.out(JSON.stringify(Object.assign({}, ...replies)))
      else for (const node of replies.flatMap((reply) => Object.keys(reply))) io.out(`->  ${node}: OK`)
      io.out(onlineText(replies.length))
    })
