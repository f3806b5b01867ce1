// lovage call NAME: sends a task by its name and prints the id of the message.
import { Command } from 'commander'
import { appFor, type Context } from './context.js'
import { jsonArray, jsonObject, moment, momentOrSeconds, secondsOption } from './options.js'

interface CallOptions {
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly eta?: Date
  readonly countdown?: number
  readonly expires?: Date | number
  readonly serializer?: string
  readonly queue?: string
  readonly exchange?: string
  readonly routingKey?: string
}

export const callCommand = ({ io }: Context): Command =>
  new Command('call')
    .description('send a task by its name, and print its id')
    .argument('<name>', 'the name of the task, such as proj.add')
    .option('-a, --args <json>', "positional arguments, a JSON array: '[2, 2]'", jsonArray)
    .option('-k, --kwargs <json>', `keyword arguments, a JSON object: '{"x": 2}'`, jsonObject)
    .option('--eta <date>', 'not before this date (ISO; UTC without an offset)', moment)
    .option('--countdown <seconds>', 'not before this many seconds from now', secondsOption)
    .option('--expires <when>', 'not after this date, or this many seconds from now', momentOrSeconds)
    .option('--serializer <name>', 'form of the message')
    .option('--queue <name>', 'the queue, instead of the one that the routes say')
    .option('--exchange <name>', 'the exchange')
    .option('--routing-key <key>', 'the routing key')
    .addHelpText('after', `\nExample:\n  lovage -A proj/tasks.ts call proj.add -a '[2, 2]'`)
    .action(async (name: string, { args = [], ...options }: CallOptions, command: Command) => {
      const app = await appFor(command, io, false)
      try {
        const { id } = await app.sendTask(name, args, options)
        io.out(id)
      } finally {
        await app.close()
      }
    })
