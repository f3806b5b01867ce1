// What a command sees of the terminal; tests hand in their own.
import { createInterface } from 'node:readline/promises'

export interface Io {
  /** One line, or several, to standard output. */
  readonly out: (text: string) => void
  /** The same to standard error. */
  readonly err: (text: string) => void
  /** Resolves when all of that is out: a pipe takes it at the pace of whoever reads. */
  flushed(): Promise<void>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Which are terminals: colours and prompts are for those only. */
  readonly terminal: { readonly in: boolean; readonly out: boolean; readonly err: boolean }
  /** Asks and waits for a line; undefined when there is nobody to answer. */
  ask(question: string): Promise<string | undefined>
  /** Every line that is typed, until there are no more. */
  lines(prompt: string): AsyncIterable<string>
}

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  flushed: async () => {
    const written = [process.stdout, process.stderr].map(
      (stream) => new Promise((done) => stream.write('', done)),
    )
    await Promise.all(written)
  },
  env: process.env,
  terminal: { in: process.stdin.isTTY, out: process.stdout.isTTY, err: process.stderr.isTTY },
  ask: async (question) => {
    const reader = createInterface({ input: process.stdin, output: process.stdout })
    const closed = new Promise<undefined>((done) => reader.once('close', () => done(undefined)))
    const answer = await Promise.race([reader.question(question), closed])
    reader.close()
    return answer
  },
  lines: async function* (prompt) {
    const terminal = process.stdin.isTTY
    const reader = createInterface({ input: process.stdin, ...(terminal ? { output: process.stdout } : {}) })
    // Ctrl+C is the worker's signal, also while a line is being typed.
    reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    reader.setPrompt(terminal ? prompt : '')
    reader.prompt()
    for await (const line of reader) {
      yield line
      reader.prompt()
    }
  },
}
