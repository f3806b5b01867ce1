// A group: members that run side by side, and one result that is the list of theirs.
import type { Parts } from './fit.js'
import type { Members } from './fit-members.js'
import type { GroupOf } from './flow.js'
import { asNode, type GroupNode, make } from './node.js'

/**
 * Signatures that run in parallel; the result is the array of their results, in this order. Takes the
 * members, or one array of them; an empty group sends nothing.
 *
 * ```ts
 * await group(add.s(1, 1), add.s(2, 2)).delay().get()   // [2, 4]
 * ```
 */
export function group<const M extends Parts>(...members: Members<M>): GroupOf<M> {
  const listed: readonly unknown[] = members.length === 1 && Array.isArray(members[0]) ? members[0] : members
  const tasks = listed.map((member, i) => asNode(member, `group[${i}]:`))
  const common = { args: [], kwargs: {}, options: {}, immutable: false }
  return make<GroupNode>({ kind: 'group', tasks, ...common }) as unknown as GroupOf<M>
}
