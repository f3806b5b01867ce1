// What is said on a result's channel, and when its store is asked instead.
import { expect, it } from 'vitest'
import { readHeard } from '../../src/runtime/heard.js'
import { maxParts } from '../../src/runtime/json-limits.js'

const stored = '{"status": "SUCCESS", "result": 1, "task_id": "a"}'
const heard = (text: string) => readHeard({ read: async () => [stored] }, 'a', text)

it('the state of this task is taken as it is said; all else, and what would take long to read, is looked up', async () => {
  expect(heard('{"status": "STARTED", "result": null, "task_id": "a"}')).toMatchObject({ state: 'STARTED' })
  const long = `{"status": "STARTED", "result": [${'[],'.repeat(maxParts)}0], "task_id": "a"}`
  for (const text of ['', '{', '[]', '{"status": "STARTED", "result": null, "task_id": "b"}', long]) {
    const found = heard(text)
    expect(found).toBeInstanceOf(Promise)
    expect(await found).toMatchObject({ state: 'SUCCESS', result: 1 })
  }
})
