// Before anything is sent: is it a canvas at all, is it within its limits, and does every task of it get the
// arguments that its function takes? What the function takes is its `length` (parameters before the first one
// with a default), less those that `params` marks as optional (`y?`): TypeScript's own `y?` is gone at run time.
// An error names the culprit by its path, as in `chain[2].group[0] (proj.upper)`.
import { asNode, type MapNode, type Node, wasTakenOut } from '../canvas/node.js'
import { show } from '../canvas/words.js'
import { InvalidSignature } from '../errors.js'
import type { Registry } from './registry.js'
import type { TaskDefinition } from './task.js'

export interface CanvasLimits {
  /** How deep signatures may stand in each other. */
  readonly canvasMaxDepth: number
  /** How many there may be in one canvas. */
  readonly canvasMaxSize: number
  /** How many levels of JSON it may make of one message. */
  readonly canvasMaxLevels: number
}

/** Where nothing is set. */
export const usualLimits: CanvasLimits = {
  canvasMaxDepth: 1000,
  canvasMaxSize: 1_000_000,
  canvasMaxLevels: 290,
}

/** A signature, where it stands, and how many arguments come to it from the left or from the call. */
interface Place {
  readonly node: Node
  readonly incoming: number
  readonly up: Place | null
  readonly key: string
  readonly depth: number
}

/** `incoming`: how many arguments come from the call. Throws with the path of the culprit. */
export const checkCanvas = (root: Node, incoming: number, registry: Registry, limits: CanvasLimits): void => {
  const { link, linkError } = root.options
  // A plain call, the most frequent canvas, costs no walk.
  if (root.kind === 'task' && link === undefined && linkError === undefined)
    return checkTask(root, argumentsOf(root, incoming), registry, (problem) => {
      throw new InvalidSignature(`${root.task} ${problem}`)
    })
  const ids = new Set<string>()
  walk(root, incoming, limits, (place, fail) => {
    const { node, incoming: more } = place
    if (node.options.taskId !== undefined) checkId(place, ids, fail)
    if (node.kind === 'task') checkTask(node, argumentsOf(node, more), registry, fail)
    else if (node.kind === 'xmap' || node.kind === 'xstarmap' || node.kind === 'chunks')
      checkItems(node, registry, fail)
  })
}

/** What came from the wire: whoever sent it may have counted its arguments, and nobody its size. */
export const checkLimits = (root: Node, limits: CanvasLimits): void => walk(root, 0, limits, () => undefined)

/** The name of what stands deepest, for whoever refuses it. */
export const deepestIn = (root: Node): string => {
  let deepest: Place | undefined
  walk(root, 0, { canvasMaxDepth: Infinity, canvasMaxSize: Infinity }, (place) => {
    if (deepest === undefined || place.depth > deepest.depth) deepest = place
  })
  return nameOf(deepest as Place)
}

type Fail = (problem: string) => never

const walk = (
  root: Node,
  incoming: number,
  { canvasMaxDepth, canvasMaxSize }: Pick<CanvasLimits, 'canvasMaxDepth' | 'canvasMaxSize'>,
  check: (place: Place, fail: Fail) => void,
): void => {
  const todo: Place[] = [{ node: root, incoming, up: null, key: '', depth: 1 }]
  let size = 0
  for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
    const here = place
    const fail: Fail = (problem) => {
      throw new InvalidSignature(`${nameOf(here)} ${problem}`)
    }
    size += 1
    if (place.depth > canvasMaxDepth)
      fail(
        isCycle(place)
          ? 'contains itself: a canvas is a tree.'
          : `stands deeper than ${canvasMaxDepth} signatures in each other. Let a task in the middle send the rest, ` +
              'or raise the setting canvasMaxDepth.',
      )
    if (size + todo.length > canvasMaxSize)
      fail(
        `is one too many: a canvas has at most ${canvasMaxSize} signatures. Send it in parts, or raise the setting ` +
          'canvasMaxSize.',
      )
    check(place, fail)
    pushInner(place, todo, fail)
  }
}

const argumentsOf = (node: Node, incoming: number): number =>
  node.immutable ? node.args.length : incoming + node.args.length

const pushInner = (place: Place, todo: Place[], fail: Fail): void => {
  const { node, depth } = place
  const given = argumentsOf(node, place.incoming)
  const add = (inner: Node, incoming: number, key: string): void => {
    const at = { node: inner, incoming, up: place, key, depth: depth + 1 }
    if (Object(inner) !== inner) asNode(inner, `${pathOf(at)}:`)
    todo.push(at)
  }
  switch (node.kind) {
    case 'task':
      break
    case 'chain':
      if (node.tasks.length === 0) fail('has no steps, and needs at least one.')
      node.tasks.forEach((step, i) =>
        add(step, i === 0 ? given : 1, `chain[${i}]${wasTakenOut(step) ? '.group[0]' : ''}`),
      )
      break
    case 'group':
      node.tasks.forEach((member, i) => add(member, given, `group[${i}]`))
      break
    case 'chord':
      node.header.forEach((member, i) => add(member, given, `chord.header[${i}]`))
      if (node.body === undefined) fail('has no body: write chord(header, body), or group(header).')
      add(node.body, 1, 'chord.body')
      break
    case 'xmap':
    case 'xstarmap':
    case 'chunks':
      break
    default:
      fail(`is of no known kind, but ${show((node as { kind?: unknown }).kind)}.`)
  }
  const { link, linkError } = node.options
  link?.forEach((next, i) => add(next, 1, `link[${i}]`))
  linkError?.forEach((errback, i) => add(errback, 1, `linkError[${i}]`))
}

const isCycle = ({ node, up }: Place): boolean => {
  for (let above = up; above !== null; above = above.up) if (above.node === node) return true
  return false
}

/** `proj.upper`, or with its path: `chain[2].group[0] (proj.upper):`. */
const nameOf = (place: Place): string => {
  const { node, up } = place
  const name = node.kind === 'task' ? node.task : node.kind
  return up === null ? name : `${pathOf(place)} (${name}):`
}

/** Of a deep one, its ends. */
const pathOf = (place: Place): string => {
  const keys: string[] = []
  for (let at: Place | null = place; at !== null && at.up !== null; at = at.up) keys.push(at.key)
  const path =
    keys.length <= 12 ? keys.reverse() : [...keys.slice(-6).reverse(), '…', ...keys.slice(0, 6).reverse()]
  return path.join('.')
}

/**
 * What runs under an id that is taken would not be told from the other, and a chord would count one of the two. Not of
 * links: one errback may stand on many tasks.
 */
const checkId = (place: Place, ids: Set<string>, fail: Fail): void => {
  const { kind, options } = place.node
  if (options.taskId === undefined || kind === 'chain' || kind === 'group' || kind === 'chord') return
  for (let at: Place | null = place; at !== null; at = at.up) if (at.key.startsWith('link')) return
  if (ids.has(options.taskId))
    fail(
      `has the id "${options.taskId}", as another task of this canvas has: each needs one of its own, or none.`,
    )
  ids.add(options.taskId)
}

/** What a map gives to each call: an item, or a row of arguments. */
const checkItems = (node: MapNode, registry: Registry, fail: Fail): void => {
  if (node.task.kind !== 'task') return
  const definition = registry.get(node.task.task)
  if (definition === undefined || definition.options.typing === false) return
  const need = neededBy(definition)
  const short = node.it.findIndex((item) => (node.kind === 'xmap' ? 1 : (item as unknown[]).length) < need)
  if (short >= 0)
    fail(`calls ${definition.name}, which takes ${count(need)}, but item ${short} gives it fewer. ${advice}`)
}

const checkTask = (
  node: Extract<Node, { kind: 'task' }>,
  given: number,
  registry: Registry,
  fail: Fail,
): void => {
  const definition = registry.get(node.task)
  if (definition === undefined || definition.options.typing === false) return
  const { params } = definition.options
  const need = neededBy(definition)
  if (params !== undefined) return checkNamed(params, need, given, Object.keys(node.kwargs), fail)
  const have = given + (Object.keys(node.kwargs).length > 0 ? 1 : 0)
  if (have < need) fail(`takes ${count(need)}, but this signature gives it ${have}. ${advice}`)
}

const neededBy = ({ run, options, required }: TaskDefinition): number =>
  options.errback === 'full' ? 0 : (required ?? run?.length ?? 0)

/** With `params`, each parameter has a name: it may be given by place or by name, once. */
const checkNamed = (
  params: readonly string[],
  need: number,
  given: number,
  names: readonly string[],
  fail: Fail,
): void => {
  const all = `${count(params.length)} (${params.join(', ')})`
  if (given > params.length) fail(`takes ${all}, but this signature gives it ${given}.`)
  for (const name of names) {
    const place = params.indexOf(name)
    if (place === -1) fail(`has no parameter "${name}": it takes ${all}.`)
    if (place < given) fail(`is given its parameter "${name}" twice: by place and by name.`)
  }
  const missing = params.slice(given, need).filter((name) => !names.includes(name))
  if (missing.length > 0)
    fail(`takes ${all}, but this signature gives it no ${missing.join(', ')}. ${advice}`)
}

const advice =
  "Give it the rest, or say what is optional: by a default (y = 0), by params: ['x', 'y?'], or by typing: false."

const count = (number: number): string => `${number} argument${number === 1 ? '' : 's'}`
