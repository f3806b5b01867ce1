// lovage purge: drops what waits in the queues, after asking. Texts and exit codes are Celery's.
import { Command } from 'commander'
import { declaredQueues } from '../config.js'
import { appFor, colorsFor, type Context } from './context.js'
import { Fault } from './fault.js'
import { lists } from './options.js'

interface PurgeOptions {
  readonly force?: boolean
  readonly queues?: readonly string[]
  readonly excludeQueues?: readonly string[]
}

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}s`)

export const purgeCommand = ({ io }: Context): Command =>
  new Command('purge')
    .description('drop all messages that wait in the queues; there is no undo')
    .option('-f, --force', 'do not ask')
    .option('-Q, --queues <names>', 'these queues only (comma-separated)', lists)
    .option('-X, --exclude-queues <names>', 'all but these', lists)
    .action(async ({ force, queues, excludeQueues = [] }: PurgeOptions, command: Command) => {
      const app = await appFor(command, io, false)
      try {
        const names = [...(queues ?? declaredQueues(app.settings).keys())]
          .filter((name) => !excludeQueues.includes(name))
          .sort()
        if (names.length === 0) return
        const headline = plural(names.length, 'queue')
        if (!force) {
          const warning = colorsFor(command, io, 'out').red('WARNING')
          const answer = await io.ask(
            `${warning}:This will remove all tasks from ${headline}: ${names.join(', ')}.\n` +
              '         There is no undo for this operation!\n\n' +
              '(to skip this prompt use the -f option)\n' +
              'Are you sure you want to delete all tasks? [y/N]: ',
          )
          if (!/^y(es)?$/i.test(answer?.trim() ?? '')) throw new Fault('Aborted!', 1)
        }
        const count = await app.control.purge(names)
        io.out(
          count === 0
            ? `No messages purged from ${names.length} ${headline}.`
            : `Purged ${count} ${plural(count, 'message')} from ${names.length} known task ${headline}.`,
        )
      } finally {
        await app.close()
      }
    })
