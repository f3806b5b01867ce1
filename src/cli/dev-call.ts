// The line that is typed at the prompt of `dev`: `proj.add(2, 2)`, arguments in JSON.
import type { AppPort } from './app-port.js'
import { sentenceOf } from './fault.js'
import type { Io } from './io.js'
import { valueText } from './result.js'

export type Call =
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'say'; readonly text: string }

export const readCall = (line: string, names: readonly string[]): Call => {
  const match = /^([^\s()]+)\s*(?:\((.*)\)\s*;?)?$/s.exec(line.trim())
  const name = match?.[1]
  if (name === undefined)
    return { kind: 'say', text: 'Type a call: the name of a task and its arguments, name(1, "two")' }
  if (!names.includes(name))
    return { kind: 'say', text: `There is no task ${name}. There are: ${names.join(', ') || 'none'}` }
  try {
    return { kind: 'call', name, args: JSON.parse(`[${match?.[2] ?? ''}]`) as unknown[] }
  } catch {
    return { kind: 'say', text: `The arguments are JSON, such as ${name}(1, "two", {"three": 3})` }
  }
}

/** Sends what is typed, and prints each result when it comes; ends with the input. */
export const typeCalls = async (app: AppPort, names: readonly string[], io: Io): Promise<void> => {
  for await (const line of io.lines('> ')) {
    if (line.trim() === '') continue
    const call = readCall(line, names)
    if (call.kind === 'say') io.out(call.text)
    else void answer(app, call.name, call.args).then((text) => io.out(`${line.trim()} → ${text}`))
  }
}

const answer = async (app: AppPort, name: string, args: readonly unknown[]): Promise<string> => {
  try {
    const { id } = await app.sendTask(name, args, {})
    return valueText(await app.result(id).get())
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : sentenceOf(error)
  }
}
