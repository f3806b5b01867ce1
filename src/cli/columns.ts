// Rows as columns for a terminal, each as wide as its widest cell.
import { printable } from './printable.js'

export const columns = (cells: readonly (readonly string[])[]): string => {
  const rows = cells.map((row) => row.map(printable))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
