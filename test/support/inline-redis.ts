// A few words to a Redis without a client library: inline commands, one reply line each. The test
// infrastructure must not depend on what it tests.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'

/** Sends the commands to the database of the URL and answers with one line for each (`+OK` as `OK`). */
export async function ask(url: string, commands: readonly string[]): Promise<string[]> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  const address = { host: hostname || '127.0.0.1', port: Number(port || 6379) }
  const socket = protocol === 'rediss:' ? connectTls(address) : connectTcp(address)
  const prologue = [`SELECT ${pathname.slice(1) || '0'}`]
  if (password)
    prologue.unshift(
      `AUTH ${decodeURIComponent(username)} ${decodeURIComponent(password)}`.replace('  ', ' '),
    )
  try {
    // Without a listener for its own, readline would raise the socket's error as an uncaught one.
    const failed = once(socket, 'error').then(([error]) => Promise.reject(error))
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const replies: string[] = []
    for (const command of [...prologue, ...commands]) {
      socket.write(`${command}\r\n`)
      const { value, done } = await Promise.race([lines.next(), failed])
      if (done) throw new Error(`${address.host}:${address.port} closed the connection at ${command}`)
      if (value.startsWith('-')) throw new Error(`${command.split(' ')[0]}: ${value.slice(1)}`)
      replies.push(value.slice(1))
    }
    return replies.slice(prologue.length)
  } finally {
    socket.destroy()
  }
}
