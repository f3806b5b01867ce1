// A result, however often whoever is asked for it cannot be reached meanwhile.
import { isOperationalError } from 'lovage'
import type { Client } from './scene.js'

/** The value; of a task that failed the error's text. */
export const insist = async ({ app }: Client, id: string): Promise<unknown> => {
  for (;;)
    try {
      return await app.result(id).get({ timeout: 120 })
    } catch (error) {
      if (!isOperationalError(error)) return String(error)
    }
}
