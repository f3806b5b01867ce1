// Before anything is sent: does every task of the canvas get the arguments that its function takes? What
// the function takes is its `length` (parameters before the first one with a default), or, for tasks that
// run elsewhere, what `params` says.
import type { Node } from '../canvas/node.js'
import { InvalidSignature } from '../errors.js'
import type { Registry } from './registry.js'
import type { TaskDefinition } from './task.js'

/** `incoming`: how many arguments come from the left or from the call. Throws with the path of the culprit. */
export const checkArguments = (root: Node, incoming: number, registry: Registry): void => {
  const todo: { node: Node; incoming: number; path: string }[] = [{ node: root, incoming, path: '' }]
  for (let item = todo.pop(); item !== undefined; item = todo.pop()) {
    const { node, path } = item
    const given = node.immutable ? node.args.length : item.incoming + node.args.length
    switch (node.kind) {
      case 'task':
        checkTask(node, given, path, registry)
        break
      case 'chain':
        node.tasks.forEach((step, index) =>
          todo.push({
            node: step,
            incoming: index === 0 ? given : 1,
            path: `${path}step ${index + 1} of the chain, `,
          }),
        )
        break
      case 'group':
        node.tasks.forEach((member, index) =>
          todo.push({ node: member, incoming: given, path: `${path}member ${index + 1} of the group, ` }),
        )
        break
      case 'chord':
        node.header.forEach((member, index) =>
          todo.push({
            node: member,
            incoming: given,
            path: `${path}header task ${index + 1} of the chord, `,
          }),
        )
        todo.push({ node: node.body, incoming: 1, path: `${path}the body of the chord, ` })
        break
      default:
    }
  }
}

const checkTask = (
  node: Extract<Node, { kind: 'task' }>,
  given: number,
  path: string,
  registry: Registry,
): void => {
  const definition = registry.get(node.task)
  if (definition === undefined || definition.options.typing === false) return
  const { params } = definition.options
  const where = path === '' ? '' : ` (${path.replace(/, $/, '')})`
  const fail = (problem: string): never => {
    throw new InvalidSignature(`${node.task}${where} ${problem}`)
  }
  const need = neededBy(definition)
  if (params !== undefined) return checkNamed(params, need, given, Object.keys(node.kwargs), fail)
  const have = given + (Object.keys(node.kwargs).length > 0 ? 1 : 0)
  if (have < need) fail(`takes ${count(need)}, but this signature gives it ${have}. ${advice}`)
}

const neededBy = ({ run, options }: TaskDefinition): number =>
  run === undefined || options.errback === 'full' ? 0 : run.length

/** With `params`, each parameter has a name: it may be given by place or by name, once. */
const checkNamed = (
  params: readonly string[],
  need: number,
  given: number,
  names: readonly string[],
  fail: (problem: string) => never,
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

const advice = 'Give it the rest, or a default to what is optional (y = 0), or say typing: false.'

const count = (number: number): string => `${number} argument${number === 1 ? '' : 's'}`
