// Task events, switched on and off from afar, and a heartbeat for who asks. The texts are Celery's.
import type { Command } from './node.js'

const enable: Command = ({ events }) => ({
  ok: events.enable() ? 'task events enabled' : 'task events already enabled',
})

const disable: Command = ({ events }) => ({
  ok: events.disable() ? 'task events disabled' : 'task events already disabled',
})

const heartbeat: Command = async ({ events }) => {
  await events.beatNow()
  return null
}

export const eventCommands: Readonly<Record<string, Command>> = {
  enable_events: enable,
  disable_events: disable,
  heartbeat,
}
