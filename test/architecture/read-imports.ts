// Every import of a TypeScript file: by value or by type, static or dynamic, with the parser that vitest
// itself uses.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { parseAst } from 'vitest/node'

export interface Import {
  /** Path below src, such as `runtime/follow.ts`. */
  readonly from: string
  /** A path below src, or a package as it is written: `fp-ts/lib/Either.js`. */
  readonly to: string
  readonly isPackage: boolean
  /** `value` and `type` are read when the module loads; `dynamic` when the call runs. */
  readonly kind: 'value' | 'type' | 'dynamic'
}

/** Path below the root → text. */
export type Tree = Readonly<Record<string, string>>

export function readTree(root: string): Tree {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  )
  return Object.fromEntries(
    files.map((path) => {
      const full = join(root, path)
      return [relative(root, full).split(sep).join('/'), readFileSync(full, 'utf8')]
    }),
  )
}

export function importsOf(tree: Tree): Import[] {
  return Object.entries(tree).flatMap(([from, text]) =>
    specifiers(text).map(({ specifier, kind }) => {
      const isPackage = !specifier.startsWith('.')
      return { from, to: isPackage ? specifier : resolve(from, specifier), isPackage, kind }
    }),
  )
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

type Specifier = { specifier: string; kind: Import['kind'] }

function specifiers(text: string): Specifier[] {
  const found: Specifier[] = []
  visit(parseAst(text, { lang: 'ts' }), (node) => {
    const specifier = (node.source as { value?: unknown } | null | undefined)?.value
    if (typeof specifier !== 'string') return
    if (node.type === 'ImportExpression') found.push({ specifier, kind: 'dynamic' })
    else if (node.type === 'TSImportType') found.push({ specifier, kind: 'type' })
    else if (/^(Import|Export)\w*Declaration$/.test(node.type)) found.push({ specifier, kind: kindOf(node) })
  })
  return found
}

type Node = { type: string; [key: string]: unknown }

/** `import { type A }` counts as a value: verbatimModuleSyntax keeps the bare import, and the module is loaded. */
function kindOf(node: Node): 'value' | 'type' {
  return node.importKind === 'type' || node.exportKind === 'type' ? 'type' : 'value'
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see)
    return
  }
  const node = value as Node
  if (typeof node.type === 'string') see(node)
  for (const child of Object.values(node)) visit(child, see)
}
