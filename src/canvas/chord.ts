// A chord: members that run side by side, then a body that runs once with the list of their results.
import { upgrade } from './chain.js'
import type { Body, Header } from './fit-members.js'
import type { ChordOf } from './flow.js'
import { asNode, type ChordNode, isSignature, make, type Node } from './node.js'

/**
 * Runs the header's members in parallel, and then the body with the array of their results in front of its
 * own arguments. The header is an array of signatures or a group.
 *
 * ```ts
 * await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay().get()   // 6
 * ```
 */
export function chord<const H, const B>(header: Header<H>, body: Body<B, H>): ChordOf<H, B> {
  const after = asNode(body, 'chord.body:')
  return chordOf(header, after) as unknown as ChordOf<H, B>
}

function chordOf(header: unknown, body: Node): ChordNode {
  if (isSignature(header) && header.kind === 'group') return upgrade(header, body)
  const listed: readonly unknown[] = Array.isArray(header) ? header : [header]
  const members = listed.map((member, i) => asNode(member, `chord.header[${i}]:`))
  const common = { args: [], kwargs: {}, options: {}, immutable: false }
  return make<ChordNode>({ kind: 'chord', header: members, body, ...common })
}
