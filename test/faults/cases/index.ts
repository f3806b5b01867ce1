// Every case of the campaign, in the order of the table in docs/guarantees.md.
import type { FaultCase } from '../support/scene.js'
import { answers } from './answers.js'
import { beats } from './beats.js'
import { failover } from './failover.js'
import { p12 } from './full.js'
import { busy } from './busy.js'
import { cascade } from './cascade.js'
import { p4 } from './chord.js'
import { p10 } from './cuts.js'
import { chains, earlyAcks, retries } from './edges.js'
import { fuzz } from './fuzz.js'
import { p6 } from './frozen.js'
import { p5 } from './points.js'
import { p8 } from './malformed.js'
import { poison } from './poison.js'
import { p7 } from './restart.js'
import { p9, p11 } from './shared.js'
import { references } from './references.js'
import { staged } from './staged.js'
import { storm } from './storm.js'
import { farChords, mixedChords, twoServers } from './two-servers.js'
import { waiting } from './waiting.js'
import { p1, p2, p3, p3Default } from './worker-killed.js'

/** The faults that guarantees.md names. */
export const table: readonly FaultCase[] = [p1, p2, p3, p3Default, p4, p5, p6, p7, p8, p9, p10, p11, p12]

/** Canvases, retries and early acknowledgement under the same. */
export const more: readonly FaultCase[] = [
  chains,
  retries,
  earlyAcks,
  answers,
  busy,
  poison,
  references,
  cascade,
  twoServers,
  staged,
  storm,
  fuzz,
  waiting,
]

/** In full only: what `npm test` plays of them is test/redis/sentinel.test.ts and outbox.test.ts. */
export const long: readonly FaultCase[] = [failover, farChords, mixedChords]

/** Several beats under faults; `npm test` plays them side by side (beats.test.ts). */
export const clocks: readonly FaultCase[] = beats
