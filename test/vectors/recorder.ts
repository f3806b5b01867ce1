// What an app would send, with the clock of our choice and nothing sent.
import { randomUUID } from 'node:crypto'
import { type App, createApp } from '../../src/app.js'
import type { SettingsInput } from '../../src/config.js'
import type { Push } from '../../src/runtime/publication.js'

export interface Recorder {
  readonly app: App
  /** What was published since the last look, oldest first. */
  readonly taken: () => readonly Push[]
}

export const recorder = async (nowMs: number, settings: SettingsInput = {}): Promise<Recorder> => {
  const app = createApp('proj', { broker: `memory://${randomUUID()}`, ...settings })
  const broker = await app.broker()
  const pushes: Push[] = []
  Object.assign(broker, {
    now: () => nowMs,
    publish: async (publication: { readonly pushes: readonly Push[] }) =>
      void pushes.push(...publication.pushes),
  })
  return { app, taken: () => pushes.splice(0) }
}
