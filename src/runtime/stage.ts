// A plan with more messages than one call may carry: they are sent ahead in pieces, to a place where nobody sees
// them, and one message that is published in their stead releases them (docs/references.md). Whoever is killed
// before it leaves nothing behind that runs; after it, all of them reach their queues.
import type { Push, Staged, StagedPiece } from './publication.js'
import { noEmbed } from './embed.js'
import { isDict } from './fields.js'
import type { Message } from './message.js'
import type { Outgoing } from './plan.js'

/** The task of the message that releases a stage; it is run by the worker itself. */
export const releaseTask = 'lovage.release'

/** Above this a plan is staged: the script that publishes so many takes some milliseconds. */
export const mostAtOnce = 1000
/** What is written and on its way at once, by whoever stages. */
const pieceMessages = 250
const pieceBytes = 512 * 1024

/** The queue and the priority of a staged list. */
export type Target = readonly [queue: string, priority: number]

export interface StagedAhead {
  readonly targets: readonly Target[]
  readonly releases: readonly Staged[]
}

interface Gathering {
  readonly target: Target
  readonly list: number
  count: number
  raws: string[]
  bytes: number
}

/** Sends these ahead, one piece after the other, so that never more than a piece of them is in memory. */
export const sendAhead = async (
  stage: string,
  pushes: AsyncIterable<Push>,
  send: (piece: StagedPiece) => Promise<void>,
): Promise<StagedAhead> => {
  const lists = new Map<string, Gathering>()
  const flush = async (gathering: Gathering): Promise<void> => {
    const { list, count, raws } = gathering
    await send({ stage, list, offset: count, raws })
    gathering.count += raws.length
    gathering.raws = []
    gathering.bytes = 0
  }
  for await (const { queue, priority, raw } of pushes) {
    const name = `${priority} ${queue}`
    let gathering = lists.get(name)
    if (gathering === undefined) {
      gathering = { target: [queue, priority], list: lists.size, count: 0, raws: [], bytes: 0 }
      lists.set(name, gathering)
    }
    gathering.raws.push(raw)
    gathering.bytes += raw.length
    if (gathering.raws.length >= pieceMessages || gathering.bytes >= pieceBytes) await flush(gathering)
  }
  for (const gathering of lists.values()) if (gathering.raws.length > 0) await flush(gathering)
  const all = [...lists.values()]
  return {
    targets: all.map(({ target }) => target),
    releases: all.map(({ list, count }) => ({ stage, list, count })),
  }
}

/** The message that releases a stage. */
export const releaseOf = (stage: string, targets: readonly Target[]): Outgoing => ({
  task: releaseTask,
  id: stage,
  args: [],
  kwargs: { $lv: { s: stage, to: targets } },
  embed: noEmbed,
  rootId: stage,
  parentId: null,
  ignoreResult: true,
})

/** What a message releases; undefined where it cannot be read. */
export const stageIn = ({
  kwargs,
}: Message): { readonly stage: string; readonly targets: readonly Target[] } | undefined => {
  const said = kwargs['$lv']
  if (!isDict(said)) return undefined
  const { s: stage, to } = said
  const isTarget = (value: unknown): value is Target =>
    Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
  return typeof stage === 'string' && Array.isArray(to) && to.every(isTarget)
    ? { stage, targets: to }
    : undefined
}
