// Secrets are planted wherever they may stand, and everything that the program says is searched for them: banner, log
// at its most talkative, `report`, `doctor`, what workers answer to operators, and the errors of commands that fail.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mark } from '../support/planted.js'
import { type Running, startNode } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { lovage } from '../cli-unit/terminal.js'
import { makeProject } from './project.js'

const brokerPassword = `${mark}/broker p@ss:word?#`
const resultPassword = `${mark}-results`
const admin = `${mark}-admin`
const encoded = encodeURIComponent
const unharmed = 'shown'

const pem = (name: string): string => new URL(`../redis/tls/${name}.pem`, import.meta.url).pathname
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
/** A line of the key's own text. */
const keyText = privateKey.split('\n')[3] as string

const tasks = `import { createApp } from 'lovage'
export const app = createApp('proj', {
  broker: process.env.BROKER,
  resultBackend: process.env.RESULTS,
  brokerConnectionTimeout: 1,
  securityHmacKey: ['${mark}-hmac-key-of-thirty-two-letters', '${mark}-old-key-of-thirty-two-letters!'],
  securityKey: process.env.SIGNING_KEY,
  securityKeyPassword: '${mark}-key-password',
  securityCertificate: '${pem('cert')}',
  securityCertStore: '${pem('cert')}',
  taskQueues: { celery: {}, sealed: { signed: 'hmac' } },
  resultExtended: true,
  workerSendTaskEvents: true,
  taskSendSentEvent: true,
  beatSchedule: { hourly: { task: 'proj.ok', schedule: 3600 } },
})
app.task('proj.ok', () => '${unharmed}')
app.task('proj.fail', () => { throw new Error('boom') })
app.task('proj.again', function () { throw this.retry({ countdown: 0.1 }) }, { maxRetries: 1 })
app.task('proj.slow', async function () {
  await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
  throw this.signal.reason
}, { softTimeLimit: 0.3 })
app.task('proj.hold', async () => {
  await new Promise((resolve) => setTimeout(resolve, 600_000))
})
`

const project = makeProject({
  'tasks.js': tasks,
  'send.js': `import { app } from './tasks.js'
const names = ['proj.ok', 'proj.fail', 'proj.again', 'proj.slow', 'proj.unheard', 'proj.hold']
const options = { argsrepr: "('***',)", kwargsrepr: "{'token': '***'}" }
const results = names.map((name) => app.sendTask(name, ['${mark}-argument'], { ...options, kwargs: { token: '${mark}-keyword' } }))
results.push(app.sendTask('proj.ok', ['${mark}-later'], { ...options, countdown: 3600 }))
for (const result of results) console.log((await result).id)
await app.close()
`,
  'fail.js': `import { inspect } from 'node:util'
import { createApp } from 'lovage'
const app = createApp('proj', { broker: process.env.BROKER, brokerConnectionTimeout: 1 })
await app.sendTask('proj.ok', ['${mark}-argument']).catch((error) => console.log(inspect(error, { depth: 9, showHidden: true })))
await app.close()
`,
})
const key = join(project.directory, `${mark}-signing.pem`)
const tlsKey = join(project.directory, `${mark}-tls.pem`)

/** Everything that was said, by whom. */
const said: [who: string, text: string][] = []
const search = (who: string, text: string): void => {
  said.push([who, text])
  const secret = new RegExp(`${mark}|${encoded(mark)}|${keyText.replace(/[+/]/g, '\\$&')}`)
  const lines = text.split('\n').filter((line) => secret.test(line))
  expect(lines, `${who} shows a secret`).toEqual([])
}

describe('secrets', async () => {
  let redis: TestRedis
  let client: Redis
  let results: Redis
  let monitor: Redis
  const events: string[] = []
  let env: Record<string, string>

  beforeAll(async () => {
    // Locked by the password that is among the settings.
    const locked = createPrivateKey(readFileSync(pem('key'))).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: `${mark}-key-password`,
    })
    writeFileSync(key, locked)
    copyFileSync(pem('key'), tlsKey)
    redis = await startRedis({ own: true, args: ['--requirepass', admin] })
    client = new Redis(redis.port, redis.host, { password: admin })
    results = new Redis(redis.port, redis.host, { password: admin, db: 1 })
    for (const [user, password] of [
      ['broker', brokerPassword],
      ['results', resultPassword],
    ] as const)
      await client.call('ACL', 'SETUSER', user, 'on', `>${password}`, '~*', '&*', '+@all')
    await client.call('ACL', 'SETUSER', 'nobody', 'on', `>${mark}-nobody`, '~*', '&*', '+@connection')
    monitor = client.duplicate()
    monitor.on('pmessage', (_pattern, _channel, text: string) => {
      events.push(Buffer.from(JSON.parse(text).body, 'base64').toString())
    })
    await monitor.psubscribe('*celeryev*')
    env = {
      BROKER: `redis://broker:${encoded(brokerPassword)}@${redis.host}:${redis.port}/0`,
      RESULTS: `redis://results:${resultPassword}@${redis.host}:${redis.port}/1`,
      SIGNING_KEY: key,
    }
    process.env.SIGNING_KEY = key
  })
  afterAll(async () => {
    client.disconnect()
    results.disconnect()
    monitor.disconnect()
    await redis.stop()
  })

  let copies = 0
  /** A command in this process, with an app of its own; what it said was searched. */
  const say = async (command: string, { BROKER, RESULTS } = env as { BROKER: string; RESULTS: string }) => {
    const name = `tasks-${++copies}.js`
    project.write({ [name]: tasks })
    const urls = ['-b', BROKER, '--result-backend', RESULTS]
    const { code, out, err } = await lovage(
      ['-A', join(project.directory, name), '--debug', ...urls, ...command.split(' ')],
      { env: { HOME: '/nowhere' } },
    )
    search(command, `${out}\n${err}`)
    return { code, out, err }
  }

  /** One that is named ends the wait with its answer; silence need not be short. */
  const asking = (node: string) => `-d ${node} -t 20`
  const commandsTo = (node: string) => [
    'report',
    'doctor',
    'doctor --json',
    `status ${asking(node)}`,
    `inspect conf ${asking(node)}`,
    `inspect conf with_defaults=true ${asking(node)}`,
    `inspect report ${asking(node)}`,
    `inspect stats ${asking(node)}`,
    `inspect active ${asking(node)}`,
    `inspect reserved ${asking(node)}`,
    `inspect scheduled ${asking(node)}`,
    `inspect registered ${asking(node)}`,
    `inspect active_queues ${asking(node)}`,
    `inspect clock ${asking(node)}`,
    `control add_consumer other ${asking(node)}`,
  ]

  describe.each(['fiber', 'prefork'])('a worker with %s', (pool) => {
    let worker: Running
    let ids: readonly string[]

    beforeAll(async () => {
      await client.flushall()
      worker = project.start(`-A tasks.js worker -l DEBUG -P ${pool} -c 8 -n ${pool}@h`, env)
      await worker.line(/ ready\.$/)
      const sender = startNode('send.js', [], { cwd: project.directory, env })
      await sender.exited
      search('the sender', sender.output())
      ids = sender.stdout().trim().split('\n')
      expect(ids).toHaveLength(7)
      for (const id of ids.slice(0, 5))
        await until(async () => /SUCCESS|FAILURE/.test((await results.get(`celery-task-meta-${id}`)) ?? ''))
      await until(async () =>
        (await say(`inspect active ${asking(`${pool}@h`)}`)).out.includes(ids[5] as string),
      )
    })

    it('what operators ask', async () => {
      const answers = await Promise.all(commandsTo(`${pool}@h`).map((command) => say(command)))
      for (const { out } of answers) expect(out).not.toBe('')
    })

    it('what became of tasks whose sender shows no arguments', async () => {
      for (const id of ids.slice(0, 5)) for (const what of ['result', 'graph']) await say(`${what} ${id}`)
      const { out } = await say(`inspect active --json ${asking(`${pool}@h`)}`)
      const [active] = JSON.parse(out)[`${pool}@h`]
      expect(active).toMatchObject({ args: "('***',)", kwargs: "{'token': '***'}" })
    })

    it('its banner and its log, to the end', async () => {
      await worker.stop('SIGQUIT')
      expect(worker.output()).toMatch(/transport: +redis:\/\/broker:\*\*@/)
      expect(worker.output()).toMatch(/proj\.fail\[\S+\] raised unexpected/)
      expect(worker.output()).toMatch(/MaxRetriesExceededError.*args:\('\*\*\*',\)/)
      search('worker', worker.output())
    })
  })

  it('events of senders and workers', () => {
    const all = events.join('\n')
    for (const type of ['sent', 'received', 'succeeded', 'failed', 'retried'])
      expect(all).toMatch(new RegExp(`"type": ?"task-${type}"`))
    expect(all).toContain("('***',)")
    search('events', all)
  })

  it('beat', async () => {
    const beat = project.start('-A tasks.js beat -l DEBUG', env)
    await beat.line(/beat: Starting|Starting/)
    await beat.stop()
    expect(beat.output()).toMatch(/broker -> redis:\/\/broker:\*\*@/)
    search('beat', beat.output())
  })

  it('multi, as it starts and stops a worker', async () => {
    // What the worker before gave back would be waited for, to its end.
    await client.flushall()
    const words = ['multi', 'start', 'm1', '-A', 'tasks.js', '-b', env.BROKER as string, '-l', 'DEBUG']
    const started = await project.lovage(words, env)
    const stopped = await project.lovage(['multi', 'stopwait', 'm1'], env)
    expect([started.code, stopped.code]).toEqual([0, 0])
    search('multi', JSON.stringify([started, stopped]))
    search('the log of multi', readFileSync(join(project.directory, 'm1.log'), 'utf8'))
  })

  const at = (): string => `${redis.host}:${redis.port}/0`
  /** Each is wrong in its own way; the pattern is what is said of it. (Of a second, a busy machine may leave nothing.) */
  const wrong: readonly [what: string, settings: () => Record<string, string>, says: RegExp][] = [
    [
      'a wrong password',
      () => ({ BROKER: `redis://broker:${mark}-wrong@${at()}` }),
      /WRONGPASS|refuses us|but is not ready/,
    ],
    [
      'a user who may do nothing',
      () => ({ BROKER: `redis://nobody:${mark}-nobody@${at()}` }),
      /NOPERM|refuses us|but is not ready/,
    ],
    [
      'nobody there',
      () => ({ BROKER: `redis://:${mark}@127.0.0.1:1/0`, RESULTS: `redis://:${mark}@127.0.0.1:1/0` }),
      /Cannot reach Redis/,
    ],
    ['no Redis', () => ({ BROKER: `amqp://guest:${mark}@127.0.0.1//` }), /none of Redis|amqp/],
    ['no scheme', () => ({ BROKER: `broker:${mark}@127.0.0.1` }), /Unknown URL/],
    ['no URL', () => ({ BROKER: `redis://broker:${mark}@a b:x/` }), /URL/],
    ['a database that is none', () => ({ BROKER: `redis://broker:${mark}@127.0.0.1/first` }), /database/],
    [
      'a password that is not encoded',
      () => ({ BROKER: `redis://broker:${mark}%zz@127.0.0.1/` }),
      /percent|URL/,
    ],
    ['an unknown option', () => ({ BROKER: `redis://127.0.0.1/?password=${mark}` }), /password/],
    [
      'a key of TLS that is not there',
      () => ({ BROKER: `rediss://127.0.0.1/?ssl_keyfile=/nowhere/${mark}.pem` }),
      /ssl_keyfile cannot be read \(ENOENT\)/,
    ],
    [
      'TLS with a server that has none',
      () => ({ BROKER: `rediss://broker:${mark}@${at()}?ssl_keyfile=${tlsKey}&ssl_certfile=${pem('cert')}` }),
      /Cannot reach Redis/,
    ],
    [
      'results on a server that is not there',
      () => ({ RESULTS: `redis://results:${mark}@127.0.0.2:1/0` }),
      /Cannot reach Redis at redis:\/\/results:\*\*@127\.0\.0\.2:1/,
    ],
    ['results of no kind', () => ({ RESULTS: `nosql://results:${mark}@127.0.0.2:1/0` }), /nosql|scheme/],
  ]
  it.each(wrong)('%s: said without what is secret', async (_what, settings, says) => {
    const bad = { ...(env as { BROKER: string; RESULTS: string }), ...settings() }
    const commands = ['call proj.ok', 'status', 'doctor', 'report', 'purge -f', 'inspect ping']
    const all = 'RESULTS' in settings() ? [...commands, 'result some-id'] : commands
    const answers = await Promise.all(all.map(async (command) => (await say(command, bad)).err))
    expect(answers.join('\n')).toMatch(says)
  })

  it.each([
    ['a worker', 'worker -l DEBUG -P solo'],
    ['beat', 'beat -l DEBUG'],
  ])('%s that is refused', async (who, command) => {
    const bad = { ...env, BROKER: `redis://broker:${mark}-wrong@${at()}` }
    const running = project.start(`-A tasks.js --debug ${command}`, bad)
    await running.line(/WRONGPASS/)
    await running.stop('SIGQUIT')
    search(who, running.output())
  })

  it.each([
    ['of a key that is not there', () => `/nowhere/${mark}.pem`, /securityKey: .*ENOENT/],
    ['of a key without its first line', () => privateKey.split('\n').slice(1).join('\n'), /securityKey: /],
    ['of a key that is broken', () => privateKey.slice(0, 300), /securityKey: /],
    ['of a key with another password', () => key, /securityKey: /],
  ])('settings %s', async (what, signingKey, says) => {
    project.write({
      'keys.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.BROKER, taskSerializer: 'auth', acceptContent: ['auth'],
  securityKey: process.env.SIGNING_KEY, securityKeyPassword: '${mark}-other', securityCertificate: '${pem('cert')}',
  securityCertStore: '${pem('cert')}' })
`,
    })
    const { out, err } = await project.lovage('-A keys.js --debug call proj.ok', {
      ...env,
      SIGNING_KEY: signingKey(),
    })
    expect(err).toMatch(says)
    search(what, out + err)
  })

  it.each([
    [`securityHmacKey: '${mark}'`],
    [`securityHmacKey: ['${mark}-first-of-thirty-two-letters-and-more', 7]`],
    [`broker: ['redis://:${mark}@a', 'redis://:${mark}@b']`],
    [`resultBackend: { url: 'redis://:${mark}@a' }`],
    [`securityKeyPassword: ['${mark}']`],
    [`securityKey: { pem: '${mark}' }`],
  ])('a setting of the wrong type: %s', async (setting) => {
    const name = `typed-${++copies}.js`
    project.write({
      [name]: `import { createApp } from 'lovage'\nexport const app = createApp('proj', { ${setting} })\n`,
    })
    const { code, out, err } = await lovage(['-A', join(project.directory, name), '--debug', 'report'])
    expect(code).not.toBe(0)
    expect(err).toMatch(/got something else/)
    search(setting, out + err)
  })

  it('an error that a program prints whole, with its causes', async () => {
    for (const user of [`broker:${mark}-wrong`, `nobody:${mark}-nobody`]) {
      const program = startNode('fail.js', [], {
        cwd: project.directory,
        env: { ...env, BROKER: `redis://${user}@${at()}` },
      })
      await program.exited
      expect(program.output()).toMatch(/OperationalError/)
      search('a program', program.output())
    }
  })

  it('the search finds what is there', () => {
    expect(said.length).toBeGreaterThan(50)
    expect(() => search('nobody', `redis://:${mark}@a`)).toThrow(/nobody shows a secret/)
  })
})
