// P8: every malformed message that was captured, against a real process, a good task behind each. (What exactly
// becomes of each is test/conformance/malformed.)
import { gunzipSync } from 'node:zlib'
import { casesOf, type VectorCase } from '../../vectors/read.js'
import { type FaultCase, range, type Scene } from '../support/scene.js'

const bytesOf = (item: VectorCase): Buffer => {
  const { message, raw_base64: plain, raw_gzip_base64: packed } = item as unknown as Record<string, unknown>
  if (typeof message === 'string') return Buffer.from(message)
  if (typeof plain === 'string') return Buffer.from(plain, 'base64')
  return gunzipSync(Buffer.from(packed as string, 'base64'))
}

const queue = 'faults'

/** Each good task is behind a bad message in the same list. Answers the ids of the good ones. */
const sendAll = async (scene: Scene, bad: readonly Buffer[]): Promise<readonly string[]> => {
  const ids: string[] = []
  for (const [index, raw] of bad.entries()) {
    await scene.outside.lpush(queue, raw)
    ids.push((await scene.client().nap.delay(index, 1)).id)
  }
  return ids
}

export const p8: FaultCase = {
  name: 'P8',
  title: 'every malformed message, a good task behind each; then a restart',
  play: async (scene) => {
    const { report, outside } = scene
    const bad = [...casesOf('malformed'), ...casesOf('malformed-tasks')].map(bytesOf)
    const worker = await scene.worker()
    const good = await sendAll(scene, bad)
    const missing = await scene.finished(good)
    await scene.quiet()
    const dead = await outside.zcard('lovage:dead')
    report.inject(`${bad.length} malformed messages, a good task behind each`)
    report.count('good tasks done', good.length - missing.length)
    report.count('dead letters', dead)
    report.must('every good task runs', missing.length === 0)
    report.must('the worker lives', worker.child.exitCode === null && worker.child.signalCode === null)
    report.must('the bad ones are accounted for: most are dead letters', dead > bad.length / 2)
    await scene.stop(worker)
    await scene.worker()
    const after = await Promise.all(range(5).map((value) => scene.client().nap.delay(value, 1)))
    const late = await scene.finished(after.map(({ id }) => id))
    report.must('a restart is clean', late.length === 0)
    report.must('and brings none of them back', (await outside.zcard('lovage:dead')) === dead)
    const letters = await outside.keys('lovage:dead*')
    await outside.del(...letters)
    await scene.settle()
  },
}
