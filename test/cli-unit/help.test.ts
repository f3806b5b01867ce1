// What the command line says of itself, and how it answers what it cannot do.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { lovage } from './terminal.js'

const stub = 'test/cli-unit/fixtures/stub.ts'

describe('help', () => {
  it('comes without arguments and with --help, exit code 0', async () => {
    const bare = await lovage([])
    expect(bare).toMatchObject({ code: 0, err: '' })
    for (const word of ['worker', 'call', 'result', 'purge', 'report', 'dev', '-A, --app', 'Examples:'])
      expect(bare.out).toContain(word)
    expect(bare.out).not.toContain('logtool')
    expect(await lovage(['--help'])).toEqual(bare)
  })

  it.each(['worker', 'call', 'result', 'inspect', 'control', 'status', 'purge', 'report', 'beat', 'dev'])(
    '%s has its own',
    async (name) => {
      const { code, out } = await lovage([name, '--help'])
      expect(code).toBe(0)
      expect(out).toContain(`Usage: lovage ${name}`)
    },
  )

  it('of worker leaves out the options of Celery that do nothing here', async () => {
    const { out } = await lovage(['worker', '--help'])
    expect(out).toContain('--concurrency')
    expect(out).not.toMatch(/gossip|statedb/)
  })

  it('of worker stands in docs/workers.md as it is', async () => {
    const { out } = await lovage(['worker', '--help'])
    expect(readFileSync('docs/workers.md', 'utf8')).toContain(`\`\`\`\n${out.trim()}\n\`\`\``)
  })

  it.each(['', 'worker', 'call', 'dead list', 'beat', 'beat add', 'multi'])(
    '%s --version is the package’s',
    async (words) => {
      const argv = words.split(' ').filter(Boolean)
      expect(await lovage([...argv, '--version'])).toEqual({ code: 0, out: '1.2.3', err: '' })
    },
  )

  it('of multi comes behind its verb, too', async () => {
    expect(await lovage(['multi', 'start', '--help'])).toEqual(await lovage(['multi', '--help']))
  })

  it('has no colours', async () => {
    expect((await lovage(['--help'], { colors: true })).out).not.toContain('\u001b')
  })
})

/** The first TypeScript file that is loaded waits for its compiler: a second, and several on a busy machine. */
beforeAll(async () => void (await lovage(['-A', stub, 'beat', 'add', 'a', 'proj.add'])), 30_000)

describe('what is asked wrongly ends with 2 and one or two lines', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [`-A ${stub} beat add a proj.add`, /^lovage: When\? Give one of --every, --crontab/],
    [`-A ${stub} beat add a proj.add --every 1 --cron 2`, /^lovage: Only one of --every, --cron can be said/],
    ['wroker', /^lovage: unknown command 'wroker'\n\(Did you mean worker\?\)$/],
    [
      'worker',
      /^lovage: Which app\? Say it before the command: lovage -A proj\/tasks\.ts worker\n.*LOVAGE_APP/,
    ],
    ['worker -A proj', /^-A \(--app\) stands before the command: lovage -A proj\/tasks\.ts worker$/],
    ['worker -q', /^lovage: unknown option '-q': it stands before the command/],
    ['worker --timelimit 3', /^lovage: unknown option '--timelimit'\n\(Did you mean --time-limit\?\)$/],
    [
      'worker -c ten',
      /^lovage: option '-c, --concurrency <n>' argument 'ten' is invalid\. Expected a whole number of at least 1\.$/,
    ],
    ['worker -l LOUD', /Expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL\.$/],
    ...['0', '-1', '1e9', '1.5'].map((n): readonly [string, RegExp] => [
      `worker --concurrency=${n}`,
      /^lovage: option '-c, --concurrency <n>' argument '.*' is invalid\. Expected a whole number of at least 1\.$/,
    ]),
    ...['x', '-1,3', '10,3,1', '0', ''].map((text): readonly [string, RegExp] => [
      `worker --autoscale=${text}`,
      /^lovage: option '--autoscale <max,min>' argument '.*' is invalid\. Expected max,min, two whole numbers such as 10,3\.$/,
    ]),
    [`-A ${stub} worker -s file`, /^lovage: --schedule and --scheduler are for a beat: add -B/],
    [
      `-A ${stub} worker -D`,
      /^lovage: --detach: a supervisor does that better: systemd, docker\. By hand: `lovage multi start`, or `setsid lovage … &`/,
    ],
    [
      `-A ${stub} worker --uid nobody`,
      /^lovage: --uid: whoever starts it does that better: `User=` and `Group=` of systemd/,
    ],
    [
      `-A ${stub} worker --gid nogroup`,
      /^lovage: --gid: .*`setpriv --reuid=… --regid=… --init-groups lovage …`\.$/,
    ],
    [`-A ${stub} worker --executable /bin/node`, /^lovage: --executable: it runs on the Node that starts it/],
    [
      'worker --umask 999',
      /^lovage: option '--umask <mask>' argument '999' is invalid\. Expected an octal mask such as 022\.$/,
    ],
    [
      `-A ${stub} worker nonsense`,
      /^lovage: "nonsense" is neither an option nor a setting\.\nSettings are written setting=value/,
    ],
    [
      `-A ${stub} worker task_ack_late=true`,
      /^lovage: Unknown setting "task_ack_late"\. Did you mean taskAcksLate\?$/,
    ],
    [
      `-A ${stub} worker worker_concurrency=ten`,
      /^lovage: workerConcurrency: expected a whole number of at least 1, got "ten"$/,
    ],
    ['beat', /^lovage: Which app\? Say it before the command: lovage -A proj\/tasks\.ts beat\n/],
    ['beat list', /^lovage: Which app\? .* lovage -A proj\/tasks\.ts beat list\n/],
    ['beat add', /^lovage: missing required argument 'name'$/],
    ['beat --max-interval soon', /Expected a number of seconds\.$/],
    [`-A ${stub} beat -D`, /^lovage: --detach: a supervisor does that better/],
    [`-A ${stub} events --dump --camera cam`, /^lovage: --camera: it is about snapshots/],
    [`-A ${stub} shell`, /^lovage: lovage shell is not available yet\. There are: worker, call, /],
    ['inspect nosuch', /^lovage: There is no command nosuch\. lovage inspect knows: active, /],
    ['control', /^lovage: Expected a command\. lovage control knows: add_consumer, /],
    ['control terminate', /^lovage: Expected a signal such as SIGTERM\.$/],
    ['control pool_grow many', /^lovage: Expected n as a number, got many\.$/],
    ['control revoke', /^lovage: Expected ids of tasks\.$/],
    ['--config conf worker', /^lovage: --config: settings are given where the app is made/],
    ['call', /^lovage: missing required argument 'name'$/],
    ['call x -a {}', /Expected a JSON array such as '\[2, 2\]'\.$/],
    ['call x -k []', /Expected a JSON object such as '\{"x": 2\}'\.$/],
    ['call x --eta soon', /Expected a date such as /],
    ['call x --eta 2026-02-31', /Expected a date such as /],
    ['beat add x y --at 2026-02-31T02:00', /Expected a date such as /],
    ['beat add x y --expires -3', /Expected seconds or a date such as /],
    ['--workdir /nowhere worker', /^lovage: --workdir \/nowhere: there is no such directory\.$/],
  ]
  it.each(cases)('%s', async (line, expected) => {
    const { code, err, out } = await lovage(line.split(' '))
    expect(err).toMatch(expected)
    expect(err.split('\n').length).toBeLessThanOrEqual(2)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
})

describe('--debug', () => {
  it('shows the stack as well', async () => {
    const { err } = await lovage(['--debug', '-A', 'test/cli-unit/fixtures/throws.ts', 'report'])
    expect(err).toMatch(/throws\.ts:3: TypeError: boom/)
    expect(err).toMatch(/\n {4}at /)
  })
})
