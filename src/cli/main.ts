#!/usr/bin/env node
// The program `lovage`. Users' modules may leave timers and connections behind: the command's end is the end.
import { readFileSync } from 'node:fs'
import { processIo } from './io.js'
import { runCli } from './program.js'

// A pipe whose reader has gone, or a full disk behind a redirection, costs lines: no worker ends because of it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const code = await runCli(process.argv.slice(2), processIo, version)
// What a pipe has not taken yet would be cut off.
await processIo.flushed()
process.exit(code)
