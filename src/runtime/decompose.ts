// decompose(signature) → Plan: which messages a canvas becomes. The client sends with it, and a worker
// continues a canvas with it: a callback, the next step of a chain, the body of a chord. Pure.
import { normalise } from '../canvas/chain.js'
import type { ChordNode, GroupNode, MapNode, Node, SignatureOptions, TaskNode } from '../canvas/node.js'
import { toJSON } from '../canvas/wire.js'
import { InvalidSignature } from '../errors.js'
import { readIsoDate, writeIsoDate } from './dates.js'
import { accumulate, bodyIdOf, freeze, withOptions } from './freeze.js'
import type { Moment } from './message.js'
import type { Outgoing, ResultShape, SendPlan, Step } from './plan.js'

/** Where a canvas is sent from. */
export interface Origin {
  /** Makes ids. */
  mint(): string
  /** The server's clock. */
  readonly nowMs: number
  /** Inside a running task: its root and its id. */
  readonly rootId?: string
  readonly parentId?: string
}

/** The plan that sends `node` with `args` in front. */
export const decompose = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  origin: Origin,
): SendPlan => {
  const steps: Step[] = []
  const result = send(node.kind === 'task' ? node : normalise(node), args, options, null, origin, steps)
  return { steps, result }
}

/** Sends a node; `parent` is the result to the left, for the shape only. */
const send = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  parent: ResultShape | null,
  origin: Origin,
  steps: Step[],
): ResultShape => {
  switch (node.kind) {
    case 'chain':
      return sendChain(node, args, options, parent, origin, steps)
    case 'group':
      return sendGroup(node, args, options, parent, origin, steps)
    case 'chord':
      return sendChord(node, args, options, parent, origin, steps)
    case 'chunks':
      return sendGroup(chunksGroup(node), args, options, parent, origin, steps)
    default:
      return sendTask(node, args, options, parent, origin, steps)
  }
}

// ---------------------------------------------------------------------------------------------------
// A task

/** Own words of the signature lose against the call's, except its place in a group and its stamps. */
const merge = (own: SignatureOptions, call: SignatureOptions): SignatureOptions => {
  const merged: Record<string, unknown> = { ...own }
  for (const [name, value] of Object.entries(call))
    if (value !== undefined && value !== null && !(own.groupId !== undefined && name === 'groupId')) merged[name] = value
  if (own.stamps !== undefined && call.stamps !== undefined) merged['stamps'] = { ...call.stamps, ...own.stamps }
  if (own.other !== undefined && call.other !== undefined) merged['other'] = { ...own.other, ...call.other }
  if (own.headers !== undefined && call.headers !== undefined) merged['headers'] = { ...own.headers, ...call.headers }
  return merged as SignatureOptions
}

export const momentAt = (ms: number): Moment => ({ text: writeIsoDate(ms), ms })

const momentOf = (value: unknown, name: string): Moment => {
  if (value instanceof Date) return momentAt(value.getTime())
  const text = String(value)
  try {
    return { text, ms: readIsoDate(text) }
  } catch {
    throw new InvalidSignature(`${name}: expected a Date or an ISO 8601 text, got ${JSON.stringify(text)}`)
  }
}

const etaOf = ({ countdown, eta }: SignatureOptions, nowMs: number): Moment | null => {
  if (typeof countdown === 'number' && countdown > 0) return momentAt(nowMs + countdown * 1000)
  return eta === undefined || eta === null ? null : momentOf(eta, 'eta')
}

const expiresOf = ({ expires }: SignatureOptions, nowMs: number): Moment | null => {
  if (expires === undefined || expires === null) return null
  return typeof expires === 'number' ? momentAt(nowMs + expires * 1000) : momentOf(expires, 'expires')
}

/** `xmap` and its kin are real tasks whose arguments are the inner signature and the items. */
const taskOf = (node: TaskNode | MapNode): Pick<TaskNode, 'task' | 'args' | 'kwargs' | 'immutable'> => {
  if (node.kind === 'task') return node
  const { task, args, kwargs } = toJSON(node)
  return { task, args, kwargs, immutable: true }
}

const toOutgoing = (
  node: TaskNode | MapNode,
  args: readonly unknown[],
  call: SignatureOptions,
  id: string,
  { nowMs, rootId, parentId }: Origin,
): Outgoing => {
  const options = merge(node.options, call)
  const { task, args: own, kwargs, immutable } = taskOf(node)
  return {
    task,
    id,
    args: immutable || args.length === 0 ? own : [...args, ...own],
    kwargs,
    embed: {
      callbacks: signatureList(options.link),
      errbacks: signatureList(options.linkError),
      chain: options.chain === undefined ? null : options.chain.map(toJSON),
      chord: options.chord === undefined ? null : toJSON(options.chord),
    },
    rootId: call.rootId ?? node.options.rootId ?? rootId ?? id,
    parentId: call.parentId ?? node.options.parentId ?? parentId ?? null,
    groupId: options.groupId ?? null,
    groupIndex: options.groupIndex ?? null,
    retries: options.retries ?? 0,
    eta: etaOf(options, nowMs),
    expires: expiresOf(options, nowMs),
    timeLimit: options.timeLimit ?? null,
    softTimeLimit: options.softTimeLimit ?? null,
    shadow: options.shadow ?? null,
    ...(options.ignoreResult !== undefined && { ignoreResult: options.ignoreResult }),
    replacedTaskNesting: options.replacedTaskNesting ?? 0,
    stampedHeaders: options.stampedHeaders ?? null,
    ...(options.stamps !== undefined && { stamps: options.stamps }),
    ...(options.headers !== undefined && { headers: options.headers }),
    ...(options.queue !== undefined && { queue: options.queue }),
    ...(options.exchange !== undefined && { exchange: options.exchange }),
    ...(options.routingKey !== undefined && { routingKey: options.routingKey }),
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(options.serializer !== undefined && { serializer: options.serializer }),
    ...(options.compression !== undefined && { compression: options.compression }),
    ...(options.replyTo !== undefined && { replyTo: options.replyTo }),
    ...(options.other !== undefined && { properties: options.other }),
  }
}

const signatureList = (nodes: readonly Node[] | undefined): Outgoing['embed']['callbacks'] =>
  nodes === undefined || nodes.length === 0 ? null : nodes.map(toJSON)

const sendTask = (
  node: TaskNode | MapNode,
  args: readonly unknown[],
  options: SignatureOptions,
  parent: ResultShape | null,
  origin: Origin,
  steps: Step[],
): ResultShape => {
  const id = options.taskId ?? node.options.taskId ?? origin.mint()
  steps.push({ do: 'publish', message: toOutgoing(node, args, options, id, origin) })
  return { kind: 'task', id, parent }
}

// ---------------------------------------------------------------------------------------------------
// A chain: only its first step is sent; the rest travels with it, reversed

const sendChain = (
  node: Extract<Node, { kind: 'chain' }>,
  args: readonly unknown[],
  call: SignatureOptions,
  parent: ResultShape | null,
  origin: Origin,
  steps: Step[],
): ResultShape => {
  const { link, linkError, chain: behind, chord, groupId, groupIndex, taskId, ...first } = merge(node.options, call)
  if (node.tasks.length === 0) throw new InvalidSignature('A chain needs at least one step, got none')
  const handed = {
    ...(taskId !== undefined && { taskId }),
    ...(groupId !== undefined && { groupId }),
    ...(groupIndex !== undefined && { groupIndex }),
    ...(first.rootId !== undefined && { rootId: first.rootId }),
    reports: chord !== undefined,
  }
  const frozen = freeze({ ...node, options: {} }, handed, parent, origin.mint)
  const tasks = (frozen.node as typeof node).tasks.map((task, index, all) => {
    const last = index === all.length - 1
    return withOptions(task, {
      ...(linkError !== undefined && { linkError: [...(task.options.linkError ?? []), ...linkError] }),
      ...(last && link !== undefined && { link: [...(task.options.link ?? []), ...link] }),
      ...(last && chord !== undefined && { chord }),
    })
  })
  const [head, ...rest] = tasks as [Node, ...Node[]]
  const after = [...(behind ?? []), ...rest.reverse()]
  const before = node.immutable ? node.args : [...args, ...node.args]
  const result = send(head, before, { ...first, chain: after }, null, origin, steps)
  return rest.length === 0 ? result : frozen.result
}

// ---------------------------------------------------------------------------------------------------
// A group: every member is sent

const chunksGroup = (node: MapNode): GroupNode => {
  const size = Math.max(1, node.n ?? 1)
  const tasks: Node[] = []
  for (let start = 0; start < node.it.length; start += size)
    tasks.push({ ...node, kind: 'xstarmap', it: node.it.slice(start, start + size) })
  return { kind: 'group', args: [], kwargs: {}, options: node.options, immutable: node.immutable, tasks }
}

const sendGroup = (
  node: GroupNode,
  args: readonly unknown[],
  call: SignatureOptions,
  parent: ResultShape | null,
  origin: Origin,
  steps: Step[],
): ResultShape => {
  const { link, taskId, chain, chord, groupId, groupIndex, ...each } = merge(node.options, call)
  if (link !== undefined && link.length > 0)
    throw new InvalidSignature('A group cannot have a link: link its members, or make it a chord')
  if (chord !== undefined || (chain !== undefined && chain.length > 0))
    // Something waits behind the group: its members' results are needed as one.
    return sendChord(
      {
        kind: 'chord',
        args: node.args,
        kwargs: {},
        options: { ...node.options, ...(taskId !== undefined && { taskId }) },
        immutable: node.immutable,
        header: node.tasks,
        body: chain?.at(-1) ?? accumulate(),
      },
      args,
      { ...call, ...(chain !== undefined && { chain: chain.slice(0, -1) }) },
      parent,
      origin,
      steps,
    )
  const id = taskId ?? origin.mint()
  const frozen = freeze(withOptions(node, { taskId: id }), {}, parent, origin.mint)
  sendMembers((frozen.node as GroupNode).tasks, node, args, each, chain, origin, steps)
  return frozen.result
}

const sendMembers = (
  members: readonly Node[],
  node: GroupNode | ChordNode,
  args: readonly unknown[],
  each: SignatureOptions,
  chain: readonly Node[] | undefined,
  origin: Origin,
  steps: Step[],
): void => {
  const { retries: _retries, headers, ...options } = each
  const handed = node.immutable ? node.args : [...args, ...node.args]
  for (const member of members)
    send(
      member,
      handed,
      // What the group says is weaker than what a member says of itself.
      { ...chainOf(chain), ...weaker(options, member.options), ...(headers !== undefined && { headers: { ...headers, ...member.options.headers } }) },
      null,
      origin,
      steps,
    )
}

const chainOf = (chain: readonly Node[] | undefined): SignatureOptions => (chain === undefined ? {} : { chain })

const weaker = (options: SignatureOptions, own: SignatureOptions): SignatureOptions => {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (name === 'linkError') kept[name] = [...(own.linkError ?? []), ...(value as readonly Node[])]
    else if ((own as Record<string, unknown>)[name] === undefined) kept[name] = value
  }
  return kept as SignatureOptions
}

// ---------------------------------------------------------------------------------------------------
// A chord: the header is sent with the body inside each message, and opened in the same call

const sendChord = (
  node: ChordNode,
  args: readonly unknown[],
  call: SignatureOptions,
  parent: ResultShape | null,
  origin: Origin,
  steps: Step[],
): ResultShape => {
  const options = merge(node.options, call)
  const { taskId: bodyId, link, linkError, chain, chord, groupId, groupIndex, countdown, ...rest } = {
    ...options,
    taskId: call.taskId,
  }
  const whole = freeze(
    node,
    {
      ...(bodyId !== undefined && { taskId: bodyId }),
      ...(groupId !== undefined && { groupId }),
      ...(groupIndex !== undefined && { groupIndex }),
      ...(rest.rootId !== undefined && { rootId: rest.rootId }),
      reports: chord !== undefined,
    },
    parent,
    origin.mint,
  )
  const frozen = whole.node as ChordNode
  const result = whole.result
  const body = withOptions(frozen.body, {
    ...bodyOptions(frozen.body.options, { ...rest, ...(countdown !== undefined && { countdown }) }),
    ...(link !== undefined && { link: [...(frozen.body.options.link ?? []), ...link] }),
    ...(linkError !== undefined && { linkError: [...(frozen.body.options.linkError ?? []), ...linkError] }),
    ...(chain !== undefined && { chain: [...chain, ...(frozen.body.options.chain ?? [])] }),
    ...(chord !== undefined && { chord }),
  })
  if (frozen.header.length === 0) {
    send(body, [[]], {}, null, origin, steps)
    return result
  }
  const gid = frozen.options.taskId as string
  const { linkError: _own, ...each } = rest as SignatureOptions
  sendMembers(frozen.header, frozen, args, { ...each, chord: body }, undefined, origin, steps)
  steps.push({
    do: 'open-chord',
    chord: { groupId: gid, bodyId: bodyIdOf(body), size: frozen.header.length },
  })
  return result
}

const bodyOptions = (own: SignatureOptions, call: SignatureOptions): SignatureOptions => {
  const { headers, ...rest } = call
  return { ...rest, ...own, ...(headers !== undefined && { headers: { ...headers, ...own.headers } }) }
}
