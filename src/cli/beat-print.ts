// Entries as lines for a terminal.
import type { EntryView, RunView, TroubleView } from '../index.js'
import { columns } from './columns.js'
import { printable } from './printable.js'

const shortDate = (date: Date | null): string =>
  date === null ? '-' : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`

const driftText = (seconds: number | null): string => (seconds === null ? '-' : `${seconds.toFixed(3)} s`)

const countsOf = ({ runs, skipped }: EntryView): string =>
  skipped > 0 ? `${runs}, ${skipped} skipped` : String(runs)

export const listOf = (views: readonly (EntryView | TroubleView)[]): string => {
  if (views.length === 0) return 'There are no entries. A beat stores those of the program when it starts.'
  const good = views.filter((view): view is EntryView => !('trouble' in view))
  const bad = views.filter((view): view is TroubleView => 'trouble' in view)
  const head = ['NAME', 'SCHEDULE', 'TASK', 'NEXT RUN', 'LAST RUN', 'LAST TASK', 'STATE', 'DRIFT', 'RUNS']
  const rows = good.map((view) => [
    view.name,
    view.schedule,
    view.task,
    view.paused ? 'paused' : shortDate(view.nextRun),
    shortDate(view.lastRun),
    view.lastTaskId ?? '-',
    view.lastState ?? '-',
    driftText(view.drift),
    countsOf(view),
  ])
  return [
    ...(good.length === 0 ? [] : [columns([head, ...rows])]),
    ...bad.map(({ trouble }) => `! ${printable(trouble)}`),
  ].join('\n')
}

export const detailOf = (view: EntryView, history: readonly RunView[]): string => {
  const { definition } = view
  const known = new Set(['version', 'name', 'schedule', 'run', 'options', 'timezone', 'paused'])
  const facts: readonly (readonly [string, string])[] = [
    ['schedule', view.schedule],
    ['timezone', view.timezone],
    ['task', view.task],
    ['arguments', `${JSON.stringify(definition.run.args)} ${JSON.stringify(definition.run.kwargs)}`],
    ['options', JSON.stringify(definition.options)],
    ...Object.entries(definition)
      .filter(([name]) => !known.has(name))
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const),
    [
      'made by',
      view.source === 'code' ? 'the program (and made again with its next start)' : 'somebody at run time',
    ],
    ['next run', view.paused ? 'paused' : shortDate(view.nextRun)],
    ['last run', shortDate(view.lastRun)],
    ['last task', view.lastTaskId === null ? '-' : `${view.lastTaskId} ${view.lastState ?? ''}`],
    ['drift', driftText(view.drift)],
    ['runs', countsOf(view)],
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  const lines = facts.map(([name, text]) => `  ${name.padEnd(width)}  ${printable(text)}`)
  const runs = history.map(({ kind, tick, sentAt, drift, taskId }) =>
    `  ${shortDate(sentAt)}  ${kind}${tick === null ? '' : ` of ${tick.toISOString()}`}  ${taskId ?? ''}  ${driftText(drift)}`.trimEnd(),
  )
  return [printable(view.name), ...lines, ...(runs.length === 0 ? [] : ['history', ...runs])].join('\n')
}

/** In the zone's own time, with its offset, as a calendar would show it. */
export const nextLines = (ticks: readonly Date[], zone: string): string => {
  if (ticks.length === 0) return 'Never again.'
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(ticks.some((tick) => tick.getUTCMilliseconds() !== 0) && { fractionalSecondDigits: 3 as const }),
    timeZoneName: 'longOffset',
  })
  return ticks
    .map((tick) => {
      const part = Object.fromEntries(clock.formatToParts(tick).map(({ type, value }) => [type, value]))
      const offset = part.timeZoneName === 'GMT' ? '+00:00' : part.timeZoneName!.slice(3)
      const day = `${part.year}-${part.month}-${part.day}`
      const fraction = part.fractionalSecond === undefined ? '' : `.${part.fractionalSecond}`
      return `${part.weekday} ${day} ${part.hour}:${part.minute}:${part.second}${fraction} ${offset} ${zone}`
    })
    .join('\n')
}
