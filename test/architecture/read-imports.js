// Every import of a TypeScript file: by value or by type, static or dynamic, with the parser that vitest
// itself uses.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { parseAst } from 'vitest/node'
export function readTree(root) {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /\.ts$/.test(path))
  return Object.fromEntries(
    files.map((path) => {
      const full = join(root, path)
      return [relative(root, full).split(sep).join('/'), readFileSync(full, 'utf8')]
    }),
  )
}
export function importsOf(tree) {
  return Object.entries(tree).flatMap(([from, text]) =>
    specifiers(text).map(({ specifier, kind }) => {
      const isPackage = !specifier.startsWith('.')
      return { from, to: isPackage ? specifier : resolve(from, specifier), isPackage, kind }
    }),
  )
}
function resolve(from, specifier) {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}
function specifiers(text) {
  const found = []
  visit(parseAst(text, { lang: 'ts' }), (node) => {
    const specifier = node.source?.value
    if (typeof specifier !== 'string') return
    if (node.type === 'ImportExpression') found.push({ specifier, kind: 'dynamic' })
    else if (node.type === 'TSImportType') found.push({ specifier, kind: 'type' })
    else if (/^(Import|Export)\w*Declaration$/.test(node.type)) found.push({ specifier, kind: kindOf(node) })
  })
  return found
}
/** `import { type A }` counts as a value: verbatimModuleSyntax keeps the bare import, and the module is loaded. */
function kindOf(node) {
  return node.importKind === 'type' || node.exportKind === 'type' ? 'type' : 'value'
}
function visit(value, see) {
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see)
    return
  }
  const node = value
  if (typeof node.type === 'string') see(node)
  for (const child of Object.values(node)) visit(child, see)
}
