// lovage doctor: looks at the broker as somebody would who is called at night, and says what is wrong and which command
// mends it. Exit code 0: all is well; 1: something stands still or may be lost; warnings alone are 0.
import { Command } from 'commander'
import { declaredQueues } from '../config.js'
import type { FindingPort } from './app-port.js'
import { appFor, colorsFor, type Context, globalsOf } from './context.js'
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
        const names = queues ?? [...declaredQueues(app.settings).keys()]
        const found = await (await app.broker()).examine(names)
        const findings = found.map((finding) => addressed(finding, globalsOf(command).app))
        if (json) io.out(JSON.stringify(findings, null, 2))
        else io.out(show(findings, colorsFor(command, io, 'out')))
        const errors = findings.filter(({ level }) => level === 'error').length
        if (errors > 0)
          throw new Fault(`${errors === 1 ? 'One thing needs' : `${errors} things need`} you.`, 1)
      } finally {
        await app.close()
      }
    })

/** Commands that can be pasted. */
const addressed = (finding: FindingPort, app: string | undefined): FindingPort => ({
  ...finding,
  mend: finding.mend?.replaceAll('-A …', app === undefined ? '-A <app>' : `-A ${app}`) ?? null,
})

const show = (findings: readonly FindingPort[], colors: ReturnType<typeof colorsFor>): string => {
  const width = Math.max(...findings.map(({ check }) => check.length))
  return findings
    .flatMap(({ check, level, says, mend }) => {
      const line = `${colors[paint[level]](mark[level])} ${check.padEnd(width)}  ${says}`
      return level === 'ok' || mend === null ? [line] : [line, `  ${' '.repeat(width)}  → ${mend}`]
    })
    .join('\n')
}
