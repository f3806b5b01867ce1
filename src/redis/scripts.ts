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

/** Parts that are not scripts of their own are loaded in front. */
const load = (name: string, ...before: readonly string[]): Script => {
  const text = [...before, name].map(read).join('')
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}

export const scripts = {
  step: load('step', 'errand', 'shared', 'gate', 'outbox'),
  publish: load('publish', 'errand'),
  stage: load('stage'),
  unstage: load('unstage'),
  register: load('register'),
  serve: load('serve'),
  renew: load('renew'),
  yield: load('yield'),
  reap: load('reap', 'gate'),
  restore: load('restore'),
  peers: load('peers'),
  recover: load('recover'),
  look: load('look'),
  tell: load('tell'),
  promote: load('promote'),
  mark: load('mark'),
  note: load('note'),
  store: load('store', 'outbox'),
  seat: load('seat'),
  fire: load('fire', 'errand'),
  lead: load('lead'),
  entry: load('entry'),
  purge: load('purge', 'gate'),
  permit: load('permit'),
  revoke: load('revoke', 'outbox'),
  admit: load('admit', 'gate'),
  revive: load('revive', 'outbox'),
  drop: load('drop'),
  peek: load('peek'),
  unload: load('unload'),
  deliver: load('deliver'),
  survey: load('survey'),
  forsake: load('forsake'),
} as const
