// Boxes and arrows, as Mermaid for README files and issues, and as DOT for Graphviz. What is drawn is decided in
// draw.ts (a canvas before it runs) and draw-graph.ts (results); here is how it is written.

export interface Box {
  readonly id: string
  readonly text: string
  /** Of a result: PENDING, SUCCESS, … */
  readonly state?: string
}

export interface Arrow {
  readonly from: string
  readonly to: string
  /** What follows by a link, or was sent by the task, and is not in the flow. */
  readonly label?: string
}

export interface Picture {
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
}

const colours: Readonly<Record<string, string>> = {
  SUCCESS: '#c8e6c9',
  FAILURE: '#ffcdd2',
  REVOKED: '#ffcdd2',
  STARTED: '#bbdefb',
  RETRY: '#ffe0b2',
  PENDING: '#eeeeee',
}
const colourOf = ({ state }: Box): string | undefined =>
  state === undefined ? undefined : (colours[state] ?? '#bbdefb')

/** What Mermaid would read as an entity, as HTML, or as the end of the text. */
const entities: Readonly<Record<string, string>> = {
  '#': '#35;',
  '&': '#amp;',
  '<': '#lt;',
  '>': '#gt;',
  '"': '#quot;',
  '\n': '<br/>',
}

export function asMermaid({ boxes, arrows }: Picture): string {
  const quote = (text: string) => `"${text.replace(/[#&<>"\n]/g, (sign) => entities[sign] as string)}"`
  return [
    'flowchart LR',
    ...boxes.map(({ id, text }) => `  ${id}[${quote(text)}]`),
    ...arrows.map(
      ({ from, to, label }) => `  ${from} ${label === undefined ? '-->' : `-. ${label} .->`} ${to}`,
    ),
    ...boxes
      .filter(({ state }) => state !== undefined)
      .map((box) => `  style ${box.id} fill:${colourOf(box)}`),
    '',
  ].join('\n')
}

export function asDot({ boxes, arrows }: Picture): string {
  const quote = (text: string) =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  return [
    'digraph canvas {',
    '  rankdir=LR; node [shape=box];',
    ...boxes.map((box) => {
      const colour = colourOf(box)
      const fill = colour === undefined ? '' : `, style=filled, fillcolor="${colour}"`
      return `  ${box.id} [label=${quote(box.text)}${fill}];`
    }),
    ...arrows.map(({ from, to, label }) =>
      label === undefined
        ? `  ${from} -> ${to};`
        : `  ${from} -> ${to} [style=dotted, label=${quote(label)}];`,
    ),
    '}',
    '',
  ].join('\n')
}

/** `1 000`, and nothing for one. */
export function times(count: number): string {
  return count === 1 ? '' : ` × ${thousands(count)}`
}

function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** `, 300 in turn`: steps that follow each other. */
export function inTurn(steps: number): string {
  return steps === 1 ? '' : `, ${thousands(steps)} in turn`
}

/** Things that are alike: the first of them, and how many they are. */
export interface Run<T> {
  readonly first: T
  readonly count: number
}

/** All that has the same key, wherever it stands. */
export function kindsOf<T>(items: readonly T[], keyOf: (item: T) => string): readonly Run<T>[] {
  const kinds = new Map<string, { first: T; count: number }>()
  for (const item of items) {
    const key = keyOf(item)
    const kind = kinds.get(key)
    if (kind === undefined) kinds.set(key, { first: item, count: 1 })
    else kind.count += 1
  }
  return [...kinds.values()]
}

/** Runs of what has the same key. */
export function runsOf<T>(items: readonly T[], keyOf: (item: T) => string): readonly Run<T>[] {
  const runs: { first: T; key: string; count: number }[] = []
  for (const item of items) {
    const key = keyOf(item)
    const last = runs.at(-1)
    if (last?.key === key) last.count += 1
    else runs.push({ first: item, key, count: 1 })
  }
  return runs
}

/** So many members are drawn one by one; more of them that differ in their arguments alone are one box. */
export const mostBoxes = 8
