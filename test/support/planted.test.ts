// That a secret which is printed is seen, whoever prints it and however it arrives.
import { afterEach, expect, it } from 'vitest'
import { planted, refuseShown, searcher, watch } from './planted.js'
import { start } from './processes.js'

const secret = planted('one')
/** Else it would be the next test's. */
afterEach(() => expect(refuseShown).not.toThrow())

it('a process prints it: the test is told the line, once', async () => {
  const print = start(process.execPath, ['-e', 'console.log("all is well\\nat " + process.env.URL)'], {
    env: { URL: `redis://:${secret}@host` },
  })
  await print.exited
  expect(refuseShown).toThrow(new RegExp(`printed: at redis://:${secret}@host$`))
})

it('it comes in two pieces, or again', () => {
  const search = searcher('somebody')
  search(`one ${secret.slice(0, 4)}`)
  expect(refuseShown).not.toThrow()
  search(secret.slice(4))
  expect(refuseShown).toThrow(secret)
  search(`${secret}\n`)
  expect(refuseShown).toThrow(`somebody printed: ${secret}`)
})

it('the test itself prints it', () => {
  const written: unknown[] = []
  const stream: { write: (text: unknown) => boolean } = { write: (text) => written.push(text) > 0 }
  const end = watch(stream as NodeJS.WriteStream, 'The test')
  stream.write(secret)
  stream.write(Buffer.from(`two\n${secret}`))
  end()
  stream.write(secret)
  expect(refuseShown).toThrow(`The test printed: ${secret}\nThe test printed: ${secret}`)
  expect(refuseShown).not.toThrow()
  expect(written).toEqual([secret, Buffer.from(`two\n${secret}`), secret])
})

it('what is no secret troubles nobody', () => {
  searcher('somebody')('redis://:**@host\n')
  expect(refuseShown).not.toThrow()
})
