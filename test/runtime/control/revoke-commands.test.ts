// Revoking from afar.
import { expect, it } from 'vitest'
import { readSettings } from '../../../src/config.js'
import { answer } from '../../../src/runtime/control/listener.js'
import { fakeNode } from './fake-node.js'

it('of more tasks than are remembered is about the last of them, each once', async () => {
  const asked: string[] = []
  const settings = readSettings({ broker: 'memory://', workerRevokesMax: 2 }, {})
  const node = {
    ...fakeNode('w@host'),
    settings,
    revoke: async (ids: readonly string[]) => void asked.push(...ids),
  }
  const args = { task_id: ['a', 'b', 'b', 'c', 'c'] }
  const said = await answer(node, {
    method: 'revoke',
    arguments: args,
    ticket: null,
    replyTo: null,
    clock: 0,
  })
  expect(said).toEqual({ ok: "tasks {'b', 'c'} flagged as revoked" })
  expect(asked).toEqual(['b', 'c'])
})
