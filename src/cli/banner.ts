// The worker's banner, in Celery's shape, so that whoever greps it finds what they look for.
import os from 'node:os'

export interface BannerFacts {
  readonly hostname: string
  readonly version: string
  readonly at: Date
  readonly app: string
  /** Without passwords. */
  readonly transport: string
  readonly results: string
  /** A number, or `{min=1, max=3}`. */
  readonly concurrency: string
  readonly pool: string
  readonly taskEvents: boolean
  readonly queues: readonly {
    readonly name: string
    readonly exchange: string
    readonly exchangeType: string
    readonly routingKey: string
  }[]
  /** Names of tasks; undefined leaves the list out (above INFO). */
  readonly tasks: readonly string[] | undefined
}

const art = [
  ' --------------',
  '--- ***** -----',
  '-- ******* ----',
  '- *** --- * ---',
  '- ** ----------',
  '- ** ----------',
  '- ** ----------',
  '- ** ----------',
  '- *** --- * ---',
  '-- ******* ----',
  '--- ***** -----',
  ' --------------',
]

const pad = (value: number): string => String(value).padStart(2, '0')

const moment = (at: Date): string =>
  `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ` +
  `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`

export const banner = (facts: BannerFacts): string => {
  const texts = [
    `${facts.hostname} v${facts.version} (lovage)`,
    '',
    `${os.type()}-${os.release()}-${os.machine()} ${moment(facts.at)}`,
    '',
    '[config]',
    `.> app:         ${facts.app}`,
    `.> transport:   ${facts.transport}`,
    `.> results:     ${facts.results}`,
    `.> concurrency: ${facts.concurrency} (${facts.pool})`,
    facts.taskEvents
      ? '.> task events: ON'
      : '.> task events: OFF (enable -E to monitor tasks in this worker)',
    '',
    '[queues]',
  ]
  const queues = facts.queues.map(
    ({ name, exchange, exchangeType, routingKey }) =>
      `.> ${name.padEnd(16)} exchange=${exchange}(${exchangeType}) key=${routingKey}`,
  )
  const lines = [
    '',
    ...art.map((left, index) => `${left} ${texts[index] ?? ''}`),
    ...queues.map((queue) => `${' '.repeat(16)}${queue}`),
    '',
  ]
  if (facts.tasks !== undefined) lines.push('[tasks]', ...facts.tasks.map((name) => `  . ${name}`), '')
  return lines.join('\n')
}
