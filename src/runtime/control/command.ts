// The table of remote control: a command's name → what it does to a worker and answers. Names, arguments and
// answers are Celery's, since its tools read them.
import { eventCommands } from './event-commands.js'
import { aliases, inspectCommands } from './inspect.js'
import { type Command, silence } from './node.js'
import { limitCommands } from './limit-commands.js'
import { queueCommands } from './queue-commands.js'
import { poolCommands } from './pool-commands.js'
import { revokeCommands } from './revoke-commands.js'

const shutdown: Command = (node, { msg }) => {
  node.log.warning(typeof msg === 'string' && msg !== '' ? msg : 'Got shutdown from remote')
  node.shutdown()
  return silence
}

const commands: Readonly<Record<string, Command>> = {
  ...inspectCommands,
  ...revokeCommands,
  ...limitCommands,
  ...poolCommands,
  ...eventCommands,
  ...queueCommands,
  shutdown,
  election: () => null,
}

/** undefined: nobody here knows it. */
export const commandOf = (name: string): Command | undefined => {
  const known = Object.hasOwn(aliases, name) ? (aliases[name] as string) : name
  return Object.hasOwn(commands, known) ? commands[known] : undefined
}
