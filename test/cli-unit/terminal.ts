// A terminal for tests: runs one command line in this process and gives what it printed.
import type { Io } from '../../src/cli/io.js'
import { runCli } from '../../src/cli/program.js'

export interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface TerminalOptions {
  readonly env?: Record<string, string>
  /** The answer to a question; undefined is nobody there. */
  readonly answer?: string
  readonly colors?: boolean
}

export const lovage = async (
  argv: readonly string[],
  { env = {}, answer, colors = false }: TerminalOptions = {},
): Promise<Printed> => {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    flushed: async () => undefined,
    env,
    terminal: { in: colors, out: colors, err: colors },
    ask: async (question) => {
      out.push(question)
      return answer
    },
    lines: async function* () {},
  }
  const code = await runCli(argv, io, '1.2.3')
  return { code, out: out.join('\n'), err: err.join('\n') }
}
