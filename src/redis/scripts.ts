// The Lua scripts, read once. What each takes and returns stands in its header; the files that send them
// (step, publisher, reaper …) build exactly that.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

const load = (name: string): Script => {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

export const scripts = {
  step: load('step'),
  publish: load('publish'),
  register: load('register'),
  renew: load('renew'),
  reap: load('reap'),
  promote: load('promote'),
  mark: load('mark'),
  note: load('note'),
  store: load('store'),
  seat: load('seat'),
  fire: load('fire'),
  lead: load('lead'),
  entry: load('entry'),
  purge: load('purge'),
  permit: load('permit'),
  revoke: load('revoke'),
} as const
