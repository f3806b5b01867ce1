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

export function asMermaid({ boxes, arrows }: Picture): string {
  return [
    'flowchart LR',
    ...boxes.map(({ id, text }) => `  ${id}["${text.replaceAll('"', '#quot;').replaceAll('\n', '<br/>')}"]`),
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
  return count === 1 ? '' : ` × ${String(count).replace(/\B(?=(\d{3})+$)/g, ' ')}`
}

/** Runs of what has the same key, as the first of each and how many they are. */
export function runsOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): readonly { readonly first: T; readonly count: number }[] {
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
