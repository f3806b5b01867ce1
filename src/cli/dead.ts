// lovage dead: the messages that could not end well. Exit code 1: there is no such letter, or not every one could be
// sent again.
import { Command } from 'commander'
import type { DeadLetter } from '../index.js'
import type { AppPort } from './app-port.js'
import { appFor, colorsFor, type Context } from './context.js'
import { letterJson, lettersText, letterText } from './dead-print.js'
import { Fault } from './fault.js'
import type { Io } from './io.js'
import { whole } from './options.js'

interface Chosen {
  readonly all?: boolean
  readonly queue?: string
}

/** The letters that a command is about: those named, all, or all of a queue; the oldest first. */
const chosen = async (
  app: AppPort,
  word: string,
  ids: readonly string[],
  { all, queue }: Chosen,
): Promise<readonly string[]> => {
  const isWide = all === true || queue !== undefined
  if (isWide === ids.length > 0)
    throw new Fault(
      `Which letters? Ids (lovage dead list), or --all, or --queue <name>: lovage dead ${word} --all`,
    )
  if (!isWide) return ids
  return [...(await app.dead.ids(queue === undefined ? {} : { queue }))].reverse()
}

/** The newest first, a few at a time: each may have many MB. */
async function* newest(
  app: AppPort,
  queue: string | undefined,
  limit: number,
): AsyncGenerator<DeadLetter, void> {
  const ids = (await app.dead.ids(queue === undefined ? {} : { queue })).slice(0, limit)
  for (let from = 0; from < ids.length; from += 8) {
    const letters = await Promise.all(ids.slice(from, from + 8).map((id) => app.dead.show(id)))
    yield* letters.filter((letter) => letter !== null)
  }
}

/** One array, written a letter at a time. */
const printJson = async (letters: AsyncIterable<DeadLetter>, io: Io): Promise<void> => {
  let before: string | null = null
  for await (const letter of letters) {
    io.out(before === null ? '[' : `${before},`)
    await io.flushed()
    before = JSON.stringify(letterJson(letter), null, 2).replaceAll(/^/gm, '  ')
  }
  io.out(before === null ? '[]' : `${before}\n]`)
}

const many = (count: number): string => `${count} ${count === 1 ? 'letter' : 'letters'}`

export const deadCommand = ({ io }: Context): Command => {
  const using = async (command: Command, act: (app: AppPort) => Promise<void>): Promise<void> => {
    const app = await appFor(command, io, false)
    try {
      await act(app)
    } finally {
      await app.close()
    }
  }
  const dead = new Command('dead').description('messages that could not end well: look, send again, drop')

  dead
    .command('list')
    .description('the newest first')
    .option('-n, --limit <count>', 'so many at most', whole, 100)
    .option('-Q, --queue <name>', 'of this queue only')
    .option('-j, --json', 'print JSON, messages included')
    .action(({ limit, queue, json }: { limit: number; queue?: string; json?: boolean }, command: Command) =>
      using(command, async (app) => {
        const letters = newest(app, queue, limit)
        if (json) return printJson(letters, io)
        const facts: Omit<DeadLetter, 'raw'>[] = []
        for await (const { raw: _, ...fact } of letters) facts.push(fact)
        io.out(lettersText(facts))
      }),
    )

  dead
    .command('show')
    .description('all of one letter, with its message: text, or bytes where it is none')
    .argument('<id>', 'its id')
    .option('-j, --json', 'print JSON')
    .action((id: string, { json }: { json?: boolean }, command: Command) =>
      using(command, async (app) => {
        const letter = await app.dead.show(id)
        if (letter === null) throw new Fault(`There is no dead letter ${id}.`, 1)
        io.out(json ? JSON.stringify(letterJson(letter), null, 2) : letterText(letter))
      }),
    )

  dead
    .command('retry')
    .description('send letters again, as new messages: their failure is forgotten')
    .argument('[ids...]', 'ids of letters')
    .option('--all', 'every one')
    .option('-Q, --queue <name>', 'every one of this queue')
    .option('-j, --json', 'print JSON')
    .action((ids: string[], options: Chosen & { readonly json?: boolean }, command: Command) =>
      using(command, async (app) => {
        const retried = await app.dead.retry(await chosen(app, 'retry', ids, options))
        const failed = retried.filter(({ sent }) => !sent)
        if (options.json) io.out(JSON.stringify(retried, null, 2))
        else {
          io.out(`Sent ${many(retried.length - failed.length)} again.`)
          for (const { id, trouble } of failed) io.err(`${id}: ${trouble}`)
        }
        if (failed.length > 0) throw new Fault(`Not sent: ${many(failed.length)}.`, 1)
      }),
    )

  dead
    .command('purge')
    .description('drop letters; there is no undo')
    .argument('[ids...]', 'ids of letters')
    .option('--all', 'every one')
    .option('-Q, --queue <name>', 'every one of this queue')
    .option('-f, --force', 'do not ask')
    .option('-j, --json', 'print JSON')
    .action(
      (
        ids: string[],
        options: Chosen & { readonly force?: boolean; readonly json?: boolean },
        command: Command,
      ) =>
        using(command, async (app) => {
          const letters = await chosen(app, 'purge', ids, options)
          if (letters.length > 0 && !options.force) await confirm(command, io, letters.length)
          const purged = await app.dead.purge(letters)
          io.out(options.json ? JSON.stringify({ purged }) : `Dropped ${many(purged)}.`)
        }),
    )
  return dead
}

const confirm = async (command: Command, io: Io, count: number): Promise<void> => {
  const warning = colorsFor(command, io, 'out').red('WARNING')
  const answer = await io.ask(
    `${warning}: This will drop ${many(count)}. There is no undo for this operation!\n` +
      '(to skip this prompt use the -f option)\nAre you sure? [y/N]: ',
  )
  if (!/^y(es)?$/i.test(answer?.trim() ?? '')) throw new Fault('Aborted!', 1)
}
