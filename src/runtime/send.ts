// Sending a canvas: plan it, check it, publish it in one call, give a handle back. Inside a running task the
// new work belongs to that task: it gets its root and parent, and stands among its children.
import { ownerOf, type Node, type SignatureOptions } from '../canvas/node.js'
import { type Keywords, withKeywords } from '../canvas/keywords.js'
import { isEmpty, isRecord, mergeOptions, readOptions } from '../canvas/options.js'
import { underStamps } from '../canvas/stamp.js'
import { show } from '../canvas/words.js'
import type { CallOptions, PendingResult, Sender } from '../canvas/sender.js'
import { InvalidSignature, InvalidUsage } from '../errors.js'
import type { Broker, PublishOptions } from './broker.js'
import { checkCanvas } from './check-canvas.js'
import { currentTask, type TaskContext } from './context.js'
import { decompose } from './decompose.js'
import type { IsOurs, Origin } from './outgoing.js'
import { ignoredIds } from './ignored.js'
import { pendingResult } from './pending.js'
import { type Means, type Prepared, toPublication, weave } from './perform.js'
import { type SendPlan, childrenOf } from './plan.js'
import { publishOptions, type PublishSettings } from './publishing.js'
import type { Registry } from './registry.js'
import type { Routed } from './router.js'
import { fromShape } from './handles.js'
import type { AnyResult, ResultSource } from './result-source.js'
import { mostAtOnce } from './stage.js'
import { tooMuchForPython } from './multiplied.js'

/** What an app sends with. */
export interface SendingApp {
  readonly registry: Registry
  readonly results: ResultSource
  broker(): Promise<Broker>
  /** The same, if it is there already. */
  opened(): Broker | undefined
  means(broker: Broker): Means
  /** Whether a task is run by Lovage's workers. */
  readonly isOurs: IsOurs
  publishing(): PublishSettings
  /** Told of what was sent; undefined where nobody wants to know. */
  tellSent(): ((sent: readonly Routed[]) => void) | undefined
  readonly mint: () => string
  /** Says it once. */
  readonly warn: (sentence: string) => void
}

const readCall = (
  options: CallOptions,
): {
  kwargs: Keywords | undefined
  call: SignatureOptions
  /** What speaks of this publish, and is no business of the messages. */
  publish: SignatureOptions
  /** What every task of the canvas shall carry, unless its signature says it otherwise. */
  stamped: (node: Node) => Node
} => {
  if (!isRecord(options))
    throw new InvalidSignature(`Options are expected to be an object, but got ${show(options)}.`)
  if (isEmpty(options)) return nothingSaid
  const { kwargs, retry, retryPolicy, durability, stamps, stampedHeaders, ...rest } = options
  if (kwargs !== undefined && !isRecord(kwargs))
    throw new InvalidSignature(`kwargs: expected an object, got ${show(kwargs)}`)
  const call = readOptions(rest)
  const publish = readOptions({ retry, retryPolicy, durability })
  const said = readOptions({ stamps, stampedHeaders })
  const names = said.stampedHeaders ?? Object.keys(said.stamps ?? {})
  const stamped = (node: Node): Node => underStamps(node, names, said.stamps ?? {})
  return { kwargs, call, publish, stamped }
}

/** The links of a call are stamped as well. */
const linked = (call: SignatureOptions, stamped: (node: Node) => Node): SignatureOptions =>
  call.link === undefined && call.linkError === undefined
    ? call
    : {
        ...call,
        ...(call.link !== undefined && { link: call.link.map(stamped) }),
        ...(call.linkError !== undefined && { linkError: call.linkError.map(stamped) }),
      }

const nothingSaid: ReturnType<typeof readCall> = {
  kwargs: undefined,
  call: {},
  publish: {},
  stamped: (node) => node,
}

/** With what the call links to it, which is looked at as well. */
const withLinks = (node: Node, { link, linkError }: SignatureOptions): Node =>
  link === undefined && linkError === undefined
    ? node
    : {
        ...node,
        options: {
          ...node.options,
          link: [...(node.options.link ?? []), ...(link ?? [])],
          linkError: [...(node.options.linkError ?? []), ...(linkError ?? [])],
        },
      }

/** A named exchange is asked for its queues no longer than the publish itself may take. */
const within = (options: PublishOptions, broker: Broker): Pick<Means, 'broker' | 'openFar'> =>
  options.patience === undefined
    ? { broker }
    : {
        broker: { now: () => broker.now(), route: (exchange, key) => broker.route(exchange, key, options) },
        openFar: broker.openFar && ((chords) => broker.openFar?.(chords, options) ?? Promise.resolve()),
      }

/** What is too big for one call goes ahead of it, no longer than the publish itself may take. */
const stagingOf = (broker: Broker, how: PublishOptions): Pick<Means, 'stage' | 'served'> =>
  broker.stage === undefined
    ? {}
    : {
        stage: (piece) => broker.stage?.(piece, how) ?? Promise.resolve(),
        served: () => broker.served?.(how) ?? Promise.resolve(new Set()),
      }

/** What is to be sent, and how long it is tried. Throws for what cannot be sent. */
const prepare = (
  app: SendingApp,
  node: Node,
  args: readonly unknown[],
  options: CallOptions,
  task: TaskContext | undefined,
): { readonly plan: SendPlan; readonly how: PublishOptions } => {
  const { kwargs, call, publish, stamped } = readCall(options)
  const settings = app.publishing()
  const how = publishOptions(mergeOptions(node.options, publish), settings)
  const called = kwargs === undefined ? node : withKeywords(node, kwargs)
  // Before it is stamped: what is too big is not walked through place by place.
  checkCanvas(withLinks(called, call), args.length, app.registry, settings)
  const whole = stamped(called)
  const origin: Origin = {
    mint: app.mint,
    nowMs: app.results.now(),
    headerErrbacks: settings.taskAllowErrorCbOnChordHeader,
    isOurs: app.isOurs,
    mostLevels: settings.canvasMaxLevels,
    looksAhead: true,
    rootId: task?.request.rootId,
    parentId: task?.request.id,
    priority: settings.taskInheritParentPriority ? task?.request.deliveryInfo.priority : undefined,
  }
  return { plan: decompose(whole, args, linked(call, stamped), origin), how }
}

/** The app's own, for most: a few messages go in one call, and are tried as long as the broker tries by itself. */
const meansOf = (app: SendingApp, broker: Broker, { steps }: SendPlan, how: PublishOptions): Means => {
  const usual = app.means(broker)
  return steps.length <= mostAtOnce && how.patience === undefined
    ? usual
    : { ...usual, ...within(how, broker), ...stagingOf(broker, how) }
}

/** Fulfilled with the handle when the broker has everything. */
const publish = (
  app: SendingApp,
  broker: Broker,
  prepared: ReturnType<typeof prepare>,
): Promise<AnyResult> =>
  prepared.plan.multiplied === undefined || broker.served === undefined
    ? publishPlan(app, broker, prepared)
    : lookTwice(app, broker, prepared).then(() => publishPlan(app, broker, prepared))

/** What Python would never end is refused for a queue that it consumes. Of another nobody knows until a worker of ours is seen there. */
const lookTwice = async (
  app: SendingApp,
  broker: Broker,
  { plan: { multiplied = [] }, how }: ReturnType<typeof prepare>,
): Promise<void> => {
  const { router } = app.means(broker)
  const places = multiplied.map(({ task, queue }) => ({ task, queue: router.queueFor(task, queue) }))
  const shared = places.find(({ queue }) => router.isShared(queue))
  if (shared !== undefined) throw new InvalidSignature(tooMuchForPython(shared, 'shared'))
  const served = (await broker.served?.(how).catch(() => undefined)) ?? new Set<string>()
  const unknown = places.find(({ queue }) => !served.has(queue))
  if (unknown !== undefined) app.warn(tooMuchForPython(unknown, 'unknown'))
}

const publishPlan = (
  app: SendingApp,
  broker: Broker,
  { plan, how }: ReturnType<typeof prepare>,
): Promise<AnyResult> => {
  const tellSent = app.tellSent()
  const sent: Routed[] | undefined = tellSent && []
  const usual = meansOf(app, broker, plan, how)
  const means = sent === undefined ? usual : { ...usual, sent }
  const send = (publication: Prepared): Promise<AnyResult> =>
    broker.publish(publication, how).then(() => {
      if (sent !== undefined) tellSent?.(sent)
      const { messages, kept } = publication
      const ignored = ignoredIds(messages, kept, (step) => means.router.ignoresResult(step))
      return fromShape(app.results, plan.result, ignored)
    })
  const woven = weave(plan, means)
  if (woven !== undefined)
    return woven.then(async ({ steps, left }) => {
      try {
        const result = await send(await toPublication({ steps }, means))
        left()
        return result
      } catch (error) {
        left(error)
        throw error
      }
    })
  const prepared = toPublication(plan, means)
  return prepared instanceof Promise ? prepared.then(send) : send(prepared)
}

/**
 * Plans and publishes. The handle's ids are known at once; it is fulfilled when the broker has everything. With
 * an open connection all is done here and now but the waiting: each promise would be paid by every message.
 */
export const sendNode = (
  app: SendingApp,
  node: Node,
  args: readonly unknown[],
  options: CallOptions,
): PendingResult<any, any> => {
  const task = currentTask()
  let id = (options as CallOptions | null)?.taskId ?? node.options.taskId ?? ''
  try {
    const prepared = prepare(app, node, args, options, task)
    const { result } = prepared.plan
    id = result.id
    if (task !== undefined && node.options.addToParent !== false && options.addToParent !== false)
      task.sent.push(...childrenOf(result))
    const broker = app.opened()
    const sent =
      broker === undefined
        ? app.broker().then((opened) => publish(app, opened, prepared))
        : publish(app, broker, prepared)
    return pendingResult(id, sent, result.kind === 'task' ? app.results : undefined)
  } catch (error) {
    return pendingResult(id, Promise.reject(error))
  }
}

/** Finds the app of a signature: its own, the current task's, the only one in the process. */
export const installAppSender = (
  install: (sender: Sender) => void,
  appOf: (owner: object) => SendingApp | undefined,
  onlyApp: () => SendingApp | undefined,
): void =>
  install({
    send: (node, args, options) => {
      const owner = ownerOf(node) ?? (currentTask()?.app as object | undefined)
      const app = (owner === undefined ? undefined : appOf(owner)) ?? onlyApp()
      if (app === undefined)
        return pendingResult(
          '',
          Promise.reject(
            new InvalidUsage(
              'This signature belongs to no app, and there is not exactly one in the process: ' +
                'build it from a task (task.s(…)), or send it by app.send(signature).',
            ),
          ),
        )
      return sendNode(app, node, args, options)
    },
  })
