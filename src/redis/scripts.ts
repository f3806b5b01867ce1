// The Lua scripts, read once. What each takes and returns stands in its header; the files that send them
// (step, publisher, reaper …) build exactly that.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
}

const read = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')

/** `before` is loaded in front of it. */
const load = (name: string, before = ''): Script => {
  const text = before + read(name)
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

export const scripts = {
  step: load('step', read('shared')),
  publish: load('publish'),
  register: load('register'),
  renew: load('renew'),
  reap: load('reap'),
  restore: load('restore'),
  peers: load('peers'),
  recover: load('recover'),
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
