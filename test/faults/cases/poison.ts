// A task that takes its worker along, each time: it becomes a dead letter, and its neighbours do not.
import { chord } from 'lovage'
import { type FaultCase, range } from '../support/scene.js'

export const poison: FaultCase = {
  name: 'poison',
  title: 'a task that kills its worker each time, among slow neighbours',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [maxDeliveries, ms] = size === 'full' ? [5, 200] : [3, 100]
    const concurrency = 10
    const client = scene.client()
    // It strikes while its neighbours are in the middle of their work, and it is a chord's part, so that somebody waits.
    const header = [client.poison.s(50), client.add.s(1, 2)]
    const chorded = await chord(header, client.total.s()).delay()
    const neighbours = await Promise.all(range(30).map((value) => client.nap.delay(value, ms)))
    const ids = [chorded.id, ...neighbours.map(({ id }) => id)]
    let deaths = 0
    let done = false
    const all = scene.finished(ids, 60_000).finally(() => {
      done = true
    })
    const supervise = async (): Promise<void> => {
      while (!done) {
        const worker = scene.launch({ concurrency, maxDeliveries, lease: 10 })
        await Promise.race([worker.exited, all])
        if (done) return
        deaths++
        // Nobody lives who could renew them. (Short leases would do without, but one that a living worker loses on a
        // busy machine counts as a start without an end, too.)
        const leases = await scene.outside.zrange('lovage:consumers', '0', '-1')
        if (leases.length > 0)
          await scene.outside.zadd('lovage:consumers', 'XX', ...leases.flatMap((id) => [0, id]))
      }
    }
    await supervise()
    const missing = await all
    const [body, ...rest] = await scene.results(ids)
    const right = rest.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
    const starts = ledger.starts('poison').length
    report.inject(
      `a task that kills its worker (concurrency ${concurrency}) under 31 neighbours, started again each time`,
    )
    report.count('workers that died', deaths)
    report.count('starts of the poison', starts)
    report.count('neighbours with their result', right)
    report.must('everything ends', missing.length === 0)
    report.must('no neighbour is lost', right === neighbours.length)
    report.must(
      `the poison starts ${maxDeliveries} or ${maxDeliveries + 1} times`,
      [0, 1].includes(starts - maxDeliveries),
    )
    report.must('who waits for it is told', body?.status === 'FAILURE')
    const letters = await scene.outside.zrange('lovage:dead', '0', '-1')
    const told = letters.map((id) => scene.outside.hmget(`lovage:dead:${id}`, 'task', 'reason'))
    const others = (await Promise.all(told)).filter(([task]) => task !== 'faults.poison')
    const also = others.length > 0 ? `, but so is: ${others.join('; ')}` : ''
    report.must(`it is the only dead letter${also}`, letters.length === 1 && others.length === 0)
    await scene.outside.del('lovage:dead')
    await scene.settle()
  },
}
