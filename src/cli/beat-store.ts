// Where a beat keeps its entries, as the command line says it.
import type { AppPort } from './app-port.js'

/** -s and -S go before the settings beatScheduleFilename and beatScheduler. */
export const configureBeat = (
  app: AppPort,
  schedule: string | undefined,
  scheduler: string | undefined,
): void => {
  if (schedule === undefined && scheduler === undefined) return
  app.configure({
    ...(schedule !== undefined && { beatScheduleFilename: schedule }),
    ...(scheduler !== undefined && { beatScheduler: scheduler }),
  })
}
