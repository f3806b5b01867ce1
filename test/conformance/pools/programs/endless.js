// A module that never ends loading, and lets nothing else happen either.
import { appendFileSync } from 'node:fs'

appendFileSync(process.env.LEDGER, `endless ${process.pid}\n`)
for (;;);
