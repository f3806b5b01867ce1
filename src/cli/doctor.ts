// lovage doctor: looks at the broker as somebody would who is called at night, and says what is wrong and which command
// mends it. Exit code 0: all is well; 1: something stands still or may be lost; warnings alone are 0.
import { Command } from 'commander'
import { declaredQueues } from '../config.js'
import type { FindingPort } from './app-port.js'
import { appFor, colorsFor, type Context, type GlobalOptions, globalsOf } from './context.js'
import { Fault } from './fault.js'
import { lists } from './options.js'

interface DoctorOptions {
  readonly queues?: readonly string[]
  readonly json?: boolean
}

const mark = { ok: '✓', warning: '!', error: '✗' } as const
const paint = { ok: 'green', warning: 'yellow', error: 'red' } as const

export const doctorCommand = ({ io }: Context): Command =>
  new Command('doctor')
    .description('look for what is wrong with the broker, and say how to mend it; changes nothing')
    .option(
      '-Q, --queues <names>',
      'look at these queues (comma-separated); default: those of taskQueues',
      lists,
    )
    .option('-j, --json', 'print JSON')
    .action(async ({ queues, json = false }: DoctorOptions, command: Command) => {
      const app = await appFor(command, io, false)
      try {
        const broker = await app.broker()
        const way = wayTo(globalsOf(command), broker.url)
        const names = queues ?? [...declaredQueues(app.settings).keys()]
        const findings = (await broker.examine(names)).map((finding) => addressed(finding, way))
        if (json) io.out(JSON.stringify(findings, null, 2))
        else io.out(show(findings, colorsFor(command, io, 'out')))
        const errors = findings.filter(({ level }) => level === 'error').length
        if (errors > 0)
          throw new Fault(`${errors === 1 ? 'One thing needs' : `${errors} things need`} you.`, 1)
      } finally {
        await app.close()
      }
    })

/** What leads to the same app at the same broker. (What is masked in a URL cannot be pasted.) */
const wayTo = ({ app = '<app>', broker }: GlobalOptions, url: string): string =>
  `-A ${quoted(app)}${broker === undefined ? '' : ` -b ${/:\*+@/.test(url) ? '<its URL>' : quoted(url)}`}`

const quoted = (word: string): string =>
  /^[\w@%+=:,./<>-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

const addressed = (finding: FindingPort, way: string): FindingPort => ({
  ...finding,
  commands: finding.commands.map((each) => each.replace('-A …', () => way)),
})

const show = (findings: readonly FindingPort[], colors: ReturnType<typeof colorsFor>): string => {
  const width = Math.max(...findings.map(({ check }) => check.length))
  return findings
    .flatMap(({ check, level, says, mend, commands }) => {
      const line = `${colors[paint[level]](mark[level])} ${check.padEnd(width)}  ${says}`
      const more = [...(mend === null ? [] : [`→ ${mend}`]), ...commands.map((each) => `  ${each}`)]
      return [line, ...more.map((each) => `  ${' '.repeat(width)}  ${each}`)]
    })
    .join('\n')
}
