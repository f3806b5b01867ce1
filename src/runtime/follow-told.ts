// A task that ran elsewhere has ended, its result is stored and what follows it is on its way: here only its chord is told.
import { encodePython } from './json.js'
import type { Message } from './message.js'
import type { Told } from './news.js'
import { ack } from './own-end.js'
import { ownPlace, partOf } from './parts.js'
import type { Plan, Step } from './plan.js'

export const followTold = (message: Message, { state, value }: Told): Plan => {
  const place = ownPlace(message)
  const report: readonly Step[] =
    place === undefined ? [] : [{ do: 'report', part: partOf(place, state, encodePython(value)) }]
  return { steps: [...report, { do: 'end', ending: ack }] }
}
