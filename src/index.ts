// Lovage: Celery for TypeScript. The public names, in reading order.
export { type App, createApp, type Task } from './app.js'
export type { Settings, SettingsInput } from './config.js'
