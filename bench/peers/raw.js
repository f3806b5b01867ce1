// The ceiling for anybody who stores and announces results: one process, two calls in flight, one script for
// each hundred tasks that takes Celery's full messages and stores and publishes full results for those before.
// Nothing is decoded, recorded or run, and no message is safe.
import { randomUUID } from 'node:crypto'
import { Command, Redis } from 'ioredis'

const batch = 100

const script = `
for i = 1, #ARGV, 2 do
  redis.call('SETEX', ARGV[i], 86400, ARGV[i + 1])
  redis.call('PUBLISH', ARGV[i], ARGV[i + 1])
end
return redis.call('RPOP', KEYS[1], ${batch}) or {}
`

const message = () => {
  const id = randomUUID()
  const headers =
    `{"lang":"js","task":"bench.noop","id":"${id}","shadow":null,"eta":null,"expires":null,"group":null,` +
    '"group_index":null,"retries":0,"timelimit":[null,null],"root_id":' +
    `"${id}","parent_id":null,"argsrepr":"()","kwargsrepr":"{}","origin":"1@bench","ignore_result":false,` +
    '"replaced_task_nesting":0,"stamped_headers":null,"stamps":{}}'
  const body = Buffer.from('[[],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]').toString(
    'base64',
  )
  const properties =
    `{"correlation_id":"${id}","reply_to":"${randomUUID()}","delivery_mode":2,"delivery_info":` +
    `{"exchange":"","routing_key":"celery"},"priority":0,"body_encoding":"base64","delivery_tag":"${randomUUID()}"}`
  return (
    `{"body":"${body}","content-encoding":"utf-8","content-type":"application/json","headers":${headers},` +
    `"properties":${properties}}`
  )
}

const resultOf = (n) => {
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  const text =
    '{"status": "SUCCESS", "result": null, "traceback": null, "children": [], ' +
    `"date_done": "${new Date().toISOString().slice(0, -1)}000+00:00", "task_id": "${id}"}`
  return [`celery-task-meta-${id}`, text]
}

export const open = async ({ port, database }) => {
  const redis = new Redis({ host: '127.0.0.1', port, db: database })
  const sha = await redis.script('LOAD', script)
  let next = 0
  const step = (results) =>
    redis.sendCommand(new Command('evalsha', [sha, 1, 'celery', ...results], { replyEncoding: null }))
  return {
    addMany: (n) => redis.lpush('celery', Array.from({ length: n }, message)),
    work: async (_concurrency, onDone) => {
      const loop = async () => {
        for (let results = []; ; ) {
          const messages = await step(results)
          if (messages.length === 0) return
          results = messages.flatMap(() => resultOf((next += 1)))
          for (let index = 0; index < messages.length; index += 1) onDone()
        }
      }
      const loops = Promise.all([loop(), loop()])
      return () => loops
    },
    close: () => redis.quit(),
  }
}
