// Children do not outlive their parent, not even one that is in the middle of a loop that never ends: a small shell
// waits for the end of its standard input, which is the end of the parent however it came, and kills those it was
// told of. One for all children, with a megabyte of memory; where there is no shell, each child has a thread that
// looks (watch-parent.ts), with nine.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const shell = '/bin/sh'

/** Ctrl+C and its like reach the whole group, and are no end of the parent. */
const script = `
trap '' INT TERM QUIT HUP USR1 USR2
pids=$*
while read -r what pid; do
  rest=
  for known in $pids; do [ "$known" = "$pid" ] || rest="$rest $known"; done
  pids=$rest
  [ "$what" = with ] && pids="$pids $pid"
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
`

export class Watcher {
  private readonly pids = new Set<number>()
  private process: ChildProcess | undefined

  static get isPossible(): boolean {
    return existsSync(shell)
  }

  add(pid: number): void {
    this.pids.add(pid)
    if (this.process === undefined) this.start()
    else this.tell('with', pid)
  }

  /** The last one takes the watcher along. */
  remove(pid: number): void {
    this.pids.delete(pid)
    this.tell('without', pid)
    if (this.pids.size > 0) return
    this.process?.stdin?.end()
    this.process = undefined
  }

  private start(): void {
    // It knows them from its birth: a parent that dies before it can say a word is one more end.
    const known = [...this.pids].map(String)
    const process = spawn(shell, ['-c', script, 'watcher', ...known], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.process = process
    process.on('error', () => undefined)
    process.stdin.on('error', () => undefined)
    // Somebody ended it, and not we: there has to be one.
    process.on('exit', () => {
      if (this.process !== process) return
      this.process = undefined
      if (this.pids.size > 0) this.start()
    })
    process.unref()
  }

  private tell(what: 'with' | 'without', pid: number): void {
    this.process?.stdin?.write(`${what} ${pid}\n`)
  }
}
