// A result with everything that belongs to it: what ran before it, the members of groups, and what its tasks sent.
// It is read level by level, one call for each, however many results there are; each stands in the tree once.
import type { ResultGraph } from '../canvas/sender.js'
import type { Backend } from './backend.js'
import { type Meta, readMeta, type ResultTuple } from './meta.js'
import { type AnyResult, isGroup, type ResultSource } from './result-source.js'
import { readShape } from './saved-groups.js'

/** A place in the tree while it is built. */
interface Branch {
  readonly handle: AnyResult
  readonly children: Branch[]
  parent: Branch | null
  meta: Meta | undefined
}

interface Tree {
  readonly root: Branch
  readonly branches: readonly Branch[]
}

const keyOf = (handle: AnyResult): string => `${isGroup(handle) ? 'group' : 'task'} ${handle.id}`

/** So long a line may have been cut where it stood among children: what is to its left is found from its first step. */
const longLine = 100

const grow = async (root: AnyResult, source: ResultSource): Promise<Tree> => {
  const known = new Map<string, Branch>()
  const cut = new Set<Branch>()
  let fresh: Branch[] = []
  /** undefined: it has its place already. With what is to the left of it, and its members. */
  const plant = (handle: AnyResult): Branch | undefined => {
    let first: Branch | undefined
    let right: Branch | undefined
    let steps = 0
    for (let at: AnyResult | null = handle; at !== null; at = at.parent) {
      if (known.has(keyOf(at))) break
      const branch: Branch = { handle: at, children: [], parent: null, meta: undefined }
      known.set(keyOf(at), branch)
      if (right !== undefined) right.parent = branch
      first ??= branch
      right = branch
      steps += 1
      if (at.parent === null && steps >= longLine) cut.add(branch)
      if (isGroup(at)) branch.children.push(...at.results.flatMap((member) => plant(member) ?? []))
      else fresh.push(branch)
    }
    return first
  }
  const top = plant(root) as Branch
  const backend = await source.backend()
  while (fresh.length > 0) {
    const level = fresh
    fresh = []
    const texts = await backend.read(level.map(({ handle }) => handle.id))
    for (const [index, branch] of level.entries()) {
      const text = texts[index]
      if (text == null) continue
      branch.meta = readMeta(text)
      const sent = branch.meta.children.map((tuple) => source.handle(tuple))
      branch.children.push(...sent.flatMap((child) => plant(child) ?? []))
      for (const child of sent) {
        const rest = known.get(keyOf(child))
        if (rest !== undefined && cut.delete(rest)) rest.parent = branch
      }
    }
    for (const [body, header] of await headersOf(level, known, backend)) {
      const branch = plant(source.handle(header))
      if (branch !== undefined) body.parent = branch
    }
  }
  return { root: top, branches: [...known.values()] }
}

/**
 * The headers of bodies that were asked for by their ids alone. A body's parent is the header task that came last,
 * which did not send it; the header's shape is there where somebody saved it, as workers do with `resultExtended`.
 */
const headersOf = async (
  level: readonly Branch[],
  known: ReadonlyMap<string, Branch>,
  backend: Backend,
): Promise<(readonly [Branch, ResultTuple])[]> => {
  const lasts = new Map<string, Branch[]>()
  for (const branch of level) {
    const last = branch.parent === null ? branch.meta?.parentId : null
    if (last == null || known.has(`task ${last}`)) continue
    lasts.set(last, [...(lasts.get(last) ?? []), branch])
  }
  if (lasts.size === 0) return []
  const texts = await backend.read([...lasts.keys()])
  const found = [...lasts.values()].map(async (branches, index) => {
    const text = texts[index]
    if (text == null) return []
    const { groupId, children } = readMeta(text)
    const sent = JSON.stringify(children)
    const bodies = branches.filter(({ handle }) => !sent.includes(JSON.stringify(handle.id)))
    const header = groupId === null || bodies.length === 0 ? null : await readHeader(groupId, backend)
    return header === null ? [] : bodies.map((body) => [body, header] as const)
  })
  return (await Promise.all(found)).flat()
}

const readHeader = async (groupId: string, backend: Backend): Promise<ResultTuple | null> => {
  const text = await backend.readGroup(groupId)
  return text === null ? null : readShape(groupId, text)
}

/** FAILURE as soon as a member failed, SUCCESS when all have succeeded. */
const stateOfGroup = (states: readonly string[]): string => {
  if (states.some((state) => state === 'FAILURE' || state === 'REVOKED')) return 'FAILURE'
  return states.every((state) => state === 'SUCCESS') ? 'SUCCESS' : 'PENDING'
}

type Growing = { -readonly [K in keyof ResultGraph]: ResultGraph[K] }

/** The tree as data, with the states of this moment. */
export const graphOf = async (handle: AnyResult, source: ResultSource): Promise<ResultGraph> => {
  const { root, branches } = await grow(handle, source)
  const graphs = new Map<Branch, Growing>()
  for (const branch of branches) {
    const { meta } = branch
    const name = typeof meta?.fields['name'] === 'string' ? meta.fields['name'] : null
    const kind = isGroup(branch.handle) ? 'group' : 'task'
    graphs.set(branch, {
      kind,
      id: branch.handle.id,
      name,
      state: meta?.state ?? 'PENDING',
      children: [],
      parent: null,
    })
  }
  const graph = (branch: Branch): Growing => graphs.get(branch) as Growing
  for (const branch of branches) {
    graph(branch).children = branch.children.map(graph)
    graph(branch).parent = branch.parent === null ? null : graph(branch.parent)
  }
  const states = new Map(branches.map((branch) => [branch.handle.id, graph(branch).state]))
  for (const branch of branches)
    if (isGroup(branch.handle))
      graph(branch).state = stateOfGroup(branch.handle.results.map(({ id }) => states.get(id) ?? 'PENDING'))
  return graph(root)
}

/** Takes away what is stored of a result and of what ran before it; with `children` also of all that was sent. */
export const forgetTree = async (
  handle: AnyResult,
  source: ResultSource,
  children: boolean,
): Promise<void> => {
  const handles = children
    ? (await grow(handle, source)).branches.map((branch) => branch.handle)
    : lineOf(handle)
  const groups = handles.filter(isGroup).map(({ id }) => id)
  const tasks = handles.filter((each) => !isGroup(each)).map(({ id }) => id)
  await (await source.backend()).forget(tasks, groups)
}

/** The result, those to its left, and the members of the groups among them. */
const lineOf = (handle: AnyResult): readonly AnyResult[] => {
  const line: AnyResult[] = []
  for (let at: AnyResult | null = handle; at !== null; at = at.parent) {
    line.push(at)
    if (isGroup(at)) line.push(...at.results.flatMap(lineOf))
  }
  return line
}

/** Each result of the tree from here on, once, with its value, as they come in: Celery's order, breadth first. */
export async function* collectFrom(
  root: AnyResult,
  options: Parameters<AnyResult['collect']>[0],
): AsyncIterableIterator<readonly [AnyResult, unknown]> {
  const seen = new Set<string>()
  const waiting: AnyResult[] = [root]
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    if (seen.has(keyOf(at))) continue
    seen.add(keyOf(at))
    yield [at, await at.get(options ?? {})]
    for (const child of await at.children()) waiting.push(...upTo(child))
  }
}

/** Of a chord that was sent the child is the body, of a chain the last step: before it, what stands to its left. */
const upTo = (child: AnyResult): readonly AnyResult[] => {
  const line: AnyResult[] = []
  for (let at: AnyResult | null = child; at !== null; at = at.parent) line.unshift(at)
  return line
}
