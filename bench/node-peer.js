// A peer that runs on Node: a producer and a worker, two processes of child.js.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('child.js', import.meta.url))

/** → tell(command, options), which answers what the child answers. */
const startChild = async (name, port, database) => {
  const child = fork(program, [name, String(port), String(database)])
  const waiting = new Map()
  let next = 0
  await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
    child.on('message', ({ id, result, error, ready }) => {
      if (ready) resolve()
      else if (error === undefined) waiting.get(id).resolve(result)
      else waiting.get(id).reject(new Error(error))
    })
  })
  return (command, options) =>
    new Promise((resolve, reject) => {
      next += 1
      waiting.set(next, { resolve, reject })
      child.send({ id: next, command, options })
    })
}

export const startNodePeer = async (name, { port, database }) => {
  const produce = await startChild(name, port, database)
  const work = await startChild(name, port, database)
  return {
    produce,
    work,
    close: async () => {
      await produce('close')
      await work('close')
    },
  }
}
