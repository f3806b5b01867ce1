// lovage events: what workers and clients tell, one line each, until a signal ends it.
import { Command } from 'commander'
import { briefMaker } from '../monitor/brief-line.js'
import { lineMaker } from '../monitor/event-line.js'
import type { OwnEvent } from '../index.js'
import { appFor, type Context } from './context.js'
import { refused } from './options.js'

interface Options {
  readonly dump?: boolean
  readonly json?: boolean
}

const makers = {
  /** Celery's own line, for whoever greps it. */
  dump: () => {
    const line = lineMaker()
    return (event: OwnEvent) => line({ ...event, local_received: Date.now() / 1000 })
  },
  json: () => JSON.stringify as (event: OwnEvent) => string,
  brief: briefMaker,
}

export const eventsCommand = ({ io }: Context): Command => {
  const command = new Command('events')
    .description('what happens in workers of either language, as it happens')
    .option('-d, --dump', 'each event as celery events --dump prints it, with all its fields')
    .option('-j, --json', 'each event as a line of JSON')
    .action(async ({ dump, json }: Options, command: Command) => {
      const app = await appFor(command, io, false)
      const events = app.events('*')
      const stop = (): void => void events.close()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
      try {
        await events.ready()
        if (dump) io.out('-> evdump: starting capture...')
        const lineOf = makers[dump ? 'dump' : json ? 'json' : 'brief']()
        for await (const event of events) {
          const line = lineOf(event)
          if (line !== undefined) io.out(line)
        }
      } finally {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
        await app.close()
      }
    })
  for (const flags of ['-c, --camera <class>', '-F, --frequency <seconds>', '-r, --maxrate <rate>'])
    refused(command, flags, 'it is about snapshots by a Python class; read app.events() in code.')
  return command
}
