// docs/settings.md out of the tables of settings: `node scripts/settings-page.js` after `npm run build`. A test
// compares the page with the tables.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const shown = (value) => {
  if (value === undefined) return ''
  if (value instanceof Map) return '`{}`'
  return `\`${JSON.stringify(value)}\``
}

const cell = (text) => text.replaceAll('|', '\\|')

const lines = (entries) =>
  Object.entries(entries)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `| \`${name}\` | ${cell(text)} |`)

/** @param {{ table: object, refusals: object, withoutEffect: object }} tables */
export const settingsPage = ({ table, refusals, withoutEffect }) => {
  const rows = Object.entries(table).map(
    ([name, { default: value, doc }]) => `| \`${name}\` | ${cell(shown(value))} | ${cell(doc)} |`,
  )
  const refused = Object.fromEntries(
    Object.entries(refusals).map(([name, { say, but }]) => {
      const fine = but.filter((value) => value !== null).map((value) => `\`${JSON.stringify(value)}\``)
      return [name, fine.length === 0 ? say : `${say}. (${fine.join(', ')} may stay.)`]
    }),
  )
  return `# Settings

Made by \`scripts/settings-page.js\` from the tables in \`src/config-table.ts\` and \`src/config-celery.ts\`.

Settings are given where the app is made, \`createApp(name, settings)\`, later by \`app.configure(settings)\`, or as words of a
command: \`lovage -A tasks.ts worker task_default_queue=io\`. A name may be written in camelCase, as Celery spells it
(\`task_acks_late\`), or in upper case with or without \`CELERY_\`; Celery's names before version 4 are understood too. An unknown
one is refused, with the nearest that there is. Times are seconds.

## What works

| setting | default | |
|---|---|---|
${rows.join('\n')}

## What has no effect

These may stay in a configuration that is brought along.

| setting | why |
|---|---|
${lines(withoutEffect).join('\n')}

## What is refused

With this sentence; \`null\` is always accepted.

| setting | |
|---|---|
${lines(refused).join('\n')}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { table } = await import('../dist/config-table.js')
  const { refusals, withoutEffect } = await import('../dist/config-celery.js')
  writeFileSync(
    new URL('../docs/settings.md', import.meta.url),
    settingsPage({ table, refusals, withoutEffect }),
  )
}
