// What the tests of our client have in hand.
import type { App } from 'lovage'
import type { Left } from '../left.js'
import type { PythonTasks } from '../python-tasks.js'

export interface NodeClient {
  readonly app: App
  readonly py: PythonTasks
  readonly redisUrl: string
  /** For every `get`. */
  readonly get: { readonly timeout: number }
  /** What this Celery cannot do. */
  readonly gaps: readonly string[]
  readonly left: Left['left']
}
