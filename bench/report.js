// The table: one row a measure, one column a peer; beside each peer how many times better Lovage is, the bar,
// and whether it is met.
import { cpus, release } from 'node:os'

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

export const show = (number, unit) =>
  unit === 'ms' ? number.toFixed(number < 10 ? 2 : 0) : Math.round(number).toLocaleString('en-US')

const spread = (values, unit) =>
  `${show(median(values), unit)} (${show(Math.min(...values), unit)}–${show(Math.max(...values), unit)})`

/** How many times better the first is: more of a rate, less of a time. */
const timesBetter = (own, other, unit) =>
  unit === 'ms' ? median(other) / median(own) : median(own) / median(other)

const verdict = (ratio, bar) => (bar === undefined ? '' : ` ≥ ${bar} ${ratio >= bar ? 'met' : '**missed**'}`)

/** `rows`: title, unit, bars, and values: peer → one number a round. */
export const report = ({ rows, peers, titles, rounds, versions }) => {
  const lines = [
    `Node ${process.version}, ${versions}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}, ` +
      `${new Date().toISOString().slice(0, 10)}; medians of ${rounds} rounds, in brackets the range; × is how many ` +
      'times better Lovage is, ≥ the bar.',
    '',
    `| measure | ${peers.map((peer) => titles[peer]).join(' | ')} |`,
    `|---|${peers.map(() => '---|').join('')}`,
  ]
  let missed = 0
  for (const { title, unit, bars, values } of rows) {
    const own = values.lovage
    const cells = peers.map((peer) => {
      const others = values[peer]
      if (others === undefined) return '–'
      if (peer === 'lovage' || own === undefined) return spread(others, unit)
      const ratio = timesBetter(own, others, unit)
      if (ratio < bars[peer]) missed += 1
      return `${spread(others, unit)}: **${ratio.toFixed(2)}×**${verdict(ratio, bars[peer])}`
    })
    lines.push(`| ${title}, ${unit} | ${cells.join(' | ')} |`)
  }
  return { text: lines.join('\n'), missed }
}
