// decompose(signature) → Plan: which messages a canvas becomes. The client sends with it, and a worker
// continues a canvas with it: a callback, the next step of a chain, the body of a chord. Pure.
import { normalise } from '../canvas/chain.js'
import { addCallback, addErrback, forMany } from '../canvas/link.js'
import { chunksGroup } from '../canvas/map.js'
import type {
  ChainNode,
  ChordNode,
  GroupNode,
  MapNode,
  Node,
  SignatureOptions,
  TaskNode,
} from '../canvas/node.js'
import { type SignatureJson, toJSON } from '../canvas/wire.js'
import { InvalidSignature } from '../errors.js'
import { usualLimits } from './check-canvas.js'
import { checkDepth, deepestOf, withinStack } from './depth.js'
import { checkElsewhere } from './elsewhere.js'
import { Fold } from './fold.js'
import {
  accumulate,
  bodyIdOf,
  freezeChain,
  freezeChord,
  freezeGroup,
  type Given,
  withOptions,
} from './freeze.js'
import { multipliedIn } from './multiplied.js'
import { merge, type Origin, toOutgoing } from './outgoing.js'
import type { ResultShape, SendPlan, Step } from './plan.js'

/** What is gathered while a canvas is taken apart. */
interface Sending {
  readonly origin: Origin
  readonly steps: Step[]
  readonly fold: Fold
  readonly chordJson: (body: Node) => SignatureJson
}

/** Callbacks and errbacks in each other may be this deep in a message, beside their arguments; beyond, they go by reference. */
const mostInline = 120

/** The plan that sends `node` with `args` in front. Throws InvalidSignature for what cannot be sent. */
export const decompose = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  origin: Origin,
): SendPlan => {
  let plan = takeApart(node, args, options, origin)
  if (plan.steps.length === 1 && isBare(plan)) return plan
  let levels = deepestOf(plan.steps)
  const isDeep = levels > mostInline
  if (isDeep && origin.isOurs !== undefined) {
    const steps: Step[] = []
    const fold = new Fold(origin, steps)
    const [folded, call] = withinStack(node, () => [fold.links(node), fold.linksOf(options, node)])
    plan = takeApart(folded, args, call, origin, steps, fold)
    levels = deepestOf(plan.steps)
  }
  const { mostLevels = usualLimits.canvasMaxLevels } = origin
  checkDepth(node, levels, mostLevels)
  // A worker goes on with what was looked at when it was sent.
  if (origin.looksAhead === true && (isDeep || plan.steps.some((step) => step.do === 'keep'))) {
    const fold = new Fold(origin, [])
    withinStack(node, () => checkElsewhere(node, fold, mostLevels))
  }
  return origin.looksAhead === true ? lookedAt(plan, node, origin) : plan
}

/** What is refused when nobody but Python can be found who runs it. */
const lookedAt = (plan: SendPlan, node: Node, origin: Origin): SendPlan => {
  const fold = new Fold(origin, [])
  const isOurs = (inner: Node): boolean => fold.isOurs(inner)
  const multiplied = withinStack(node, () => multipliedIn(node, isOurs))
  return multiplied.length === 0 ? plan : { ...plan, multiplied }
}

/** Most messages: nothing follows them that was not in the message before. */
const isBare = ({ steps: [step] }: SendPlan): boolean => {
  if (step?.do !== 'publish') return false
  const { callbacks, errbacks, chain } = step.message.embed
  return callbacks === null && errbacks === null && chain === null
}

const takeApart = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  origin: Origin,
  steps: Step[] = [],
  fold?: Fold,
): SendPlan => {
  // The usual case, without what only a canvas needs.
  if (node.kind === 'task' && options.chain === undefined && node.options.chain === undefined) {
    const id = options.taskId ?? node.options.taskId ?? origin.mint()
    const message = toOutgoing(node, args, options, id, origin, toJSON)
    steps.push({ do: 'publish', message })
    return { steps, result: { kind: 'task', id, parent: null } }
  }
  const sending = { origin, steps, fold: fold ?? new Fold(origin, steps), chordJson: onceEach(toJSON) }
  const whole = node.kind === 'task' ? node : normalise(node)
  const result = withinStack(node, () => send(whole, args, options, sending))
  return { steps, result }
}

/** A body is the same object in all messages of its header: it is written as a dict once. */
const onceEach = (write: (node: Node) => SignatureJson): ((node: Node) => SignatureJson) => {
  let known: { readonly node: Node; readonly json: SignatureJson } | undefined
  return (node) => {
    if (known?.node !== node) known = { node, json: write(node) }
    return known.json
  }
}

const send = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  sending: Sending,
): ResultShape => {
  switch (node.kind) {
    case 'chain':
      return sendChain(node, args, options, sending)
    case 'group':
      return sendGroup(node, args, options, sending)
    case 'chord':
      return sendChord(node, args, options, sending)
    case 'chunks':
      return sendGroup(chunksGroup(node), args, options, sending)
    default:
      return sendTask(node, args, options, sending)
  }
}

const sendTask = (
  node: TaskNode | MapNode,
  args: readonly unknown[],
  options: SignatureOptions,
  { origin, steps, fold, chordJson }: Sending,
): ResultShape => {
  const id = options.taskId ?? node.options.taskId ?? origin.mint()
  const { chain } = options
  const said = chain === undefined ? options : { ...options, chain: fold.behind(node, chain) }
  steps.push({ do: 'publish', message: toOutgoing(node, args, said, id, origin, chordJson) })
  return { kind: 'task', id, parent: null }
}

const handedArgs = (
  node: { readonly args: readonly unknown[]; readonly immutable: boolean },
  args: readonly unknown[],
): readonly unknown[] => (node.immutable || args.length === 0 ? node.args : [...args, ...node.args])

const givenBy = (
  { taskId, groupId, groupIndex, chord }: SignatureOptions,
  rootId: string | undefined,
): Given => ({
  ...(taskId !== undefined && { taskId }),
  ...(groupId !== undefined && { groupId }),
  ...(groupIndex !== undefined && { groupIndex }),
  ...(rootId !== undefined && { rootId }),
  reports: chord !== undefined,
  now: true,
})

// ---------------------------------------------------------------------------------------------------
// A chain: only its first step is sent; the rest travels with it, reversed

const sendChain = (
  node: ChainNode,
  args: readonly unknown[],
  call: SignatureOptions,
  sending: Sending,
): ResultShape => {
  const options = merge(node.options, call)
  const { link, linkError, chain: behind, chord, groupId: _g, groupIndex: _i, taskId: _t, ...first } = options
  if (node.tasks.length === 0) throw new InvalidSignature('A chain needs at least one step, got none')
  const bare = { ...node, options: {} }
  const frozen = freezeChain(bare, givenBy(options, first.rootId), null, sending.origin.mint)
  const steps = frozen.node.tasks.map((step) => (linkError ?? []).reduce(addErrback, step))
  const end = steps.length - 1
  const last = (link ?? []).reduce(addCallback, steps[end] as Node)
  steps[end] = chord === undefined ? last : withOptions(last, { chord })
  const [head, ...rest] = steps as [Node, ...Node[]]
  const after = [...(behind ?? []), ...rest.reverse()]
  const result = send(head, handedArgs(node, args), { ...first, chain: after }, sending)
  return rest.length === 0 ? result : frozen.result
}

// ---------------------------------------------------------------------------------------------------
// A group: every member is sent

const sendGroup = (
  node: GroupNode,
  args: readonly unknown[],
  call: SignatureOptions,
  sending: Sending,
): ResultShape => {
  if (call.link !== undefined && call.link.length > 0)
    throw new InvalidSignature('A group cannot have a link: link its members, or make it a chord')
  const options = merge(node.options, call)
  const { taskId, chain, chord, groupId: _g, groupIndex: _i, ...each } = options
  const reports = chord === undefined ? {} : { chord }
  // Frozen by Celery: each member reports by itself, and was counted so.
  const membersReport =
    chord !== undefined &&
    node.tasks.length > 0 &&
    node.tasks.every((task) => task.options.chord !== undefined)
  if (!membersReport && (chord !== undefined || (chain !== undefined && chain.length > 0))) {
    // Something waits behind the group: its members' results are needed as one.
    const body = chain?.at(-1) ?? accumulate()
    const { chain: _own, chord: _chord, ...headerOptions } = node.options
    const { args: before, immutable, tasks: header } = node
    const as = { kind: 'chord', args: before, kwargs: {}, options: {}, immutable, header, body } as const
    const { taskId: _t, ...rest } = call
    const behind = chain === undefined ? {} : { chain: chain.slice(0, -1) }
    const gid = taskId === undefined ? {} : { taskId }
    return sendChord(
      { ...as, headerOptions: { ...headerOptions, ...gid } },
      args,
      { ...rest, ...reports, ...behind },
      sending,
    )
  }
  const frozen = freezeGroup(
    withOptions(node, { taskId: taskId ?? sending.origin.mint() }),
    { now: true },
    null,
    sending.origin.mint,
  )
  const given = { ...each, ...reports, ...(chain !== undefined && { chain }) }
  sendMembers(frozen.node.tasks, handedArgs(node, args), given, sending)
  return frozen.result
}

const sendMembers = (
  members: readonly Node[],
  args: readonly unknown[],
  { retries: _retries, link, linkError, ...each }: SignatureOptions,
  sending: Sending,
): void => {
  // What is linked to the whole is called for a member as well; it does not replace its own. Callbacks of a group are
  // what Python linked to a chain that ends in it.
  for (const member of members) {
    const called = link === undefined ? member : link.reduce(addCallback, member)
    send(linkError === undefined ? called : linkError.reduce(addErrback, called), args, each, sending)
  }
}

// ---------------------------------------------------------------------------------------------------
// A chord: the header is sent with the body inside each message, and opened in the same call

const sendChord = (
  node: ChordNode,
  args: readonly unknown[],
  call: SignatureOptions,
  sending: Sending,
): ResultShape => {
  const { taskId: _own, ...options } = merge(node.options, call)
  const { link, linkError, chain, chord, groupId: _g, groupIndex: _i, countdown, ...rest } = options
  const given = givenBy(
    { ...options, ...(call.taskId !== undefined && { taskId: call.taskId }) },
    rest.rootId,
  )
  const replaces = call.replacedTaskNesting !== undefined
  const whole = freezeChord(node, { ...given, replaces }, null, sending.origin.mint)
  const frozen = whole.node
  const linked = (linkError ?? []).reduce(addErrback, (link ?? []).reduce(addCallback, frozen.body))
  const body = withOptions(linked, {
    ...merge(linked.options, rest),
    ...(chain !== undefined && { chain: [...chain, ...(linked.options.chain ?? [])] }),
    ...(chord !== undefined && { chord }),
  })
  if (frozen.header.length === 0) {
    send(body, [[]], {}, sending)
    return whole.result
  }
  // `countdown` says when all of it starts: that is the header's matter, and the body follows it at once.
  const { taskId: gid = '', groupId: _hg, groupIndex: _hi, ...header } = frozen.headerOptions ?? {}
  const errbacks = sending.origin.headerErrbacks === true ? errbacksOf(body).map(forMany) : []
  const each = merge(header, {
    ...rest,
    ...(errbacks.length > 0 && { linkError: [...(header.linkError ?? []), ...errbacks] }),
    ...(countdown !== undefined && { countdown }),
    chord: sending.fold.body(frozen.header, body),
  })
  sendMembers(frozen.header, handedArgs(frozen, args), each, sending)
  const size = frozen.header.length
  sending.steps.push({ do: 'open-chord', chord: { groupId: gid, bodyId: bodyIdOf(body), size } })
  return whole.result
}

/** The errbacks of a chord: they stand on its body, or on the first step of that. */
const errbacksOf = (body: Node): readonly Node[] =>
  body.options.linkError ?? (body.kind === 'chain' ? (body.tasks[0]?.options.linkError ?? []) : [])
