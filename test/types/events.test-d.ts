// What the compiler knows of an event: its type says what else it has.
import { same } from './same.js'
import type { Observable } from 'rxjs'
import { createApp, type Event, type EventOf, type OwnEvent } from '../../src/index.js'

const app = createApp('types', { broker: 'memory://types' })

for await (const event of app.events()) {
  same(event).as<Event>()
  if (event.type === 'task-succeeded') same(event.runtime).as<number>()
  switch (event.type) {
    case 'worker-online':
    case 'worker-heartbeat':
      same(event.active).as<number | null | undefined>()
      break
    case 'task-received':
      same(event.name).as<string>()
      break
    case 'task-revoked':
      same(event.signum).as<number | string | null | undefined>()
      break
    case 'task-failed':
      // @ts-expect-error a failure has no result
      void event.result
  }
  // @ts-expect-error not every event is of a task
  void event.uuid
}

for await (const event of app.events('task-failed', 'task-progress')) {
  same(event.type).as<'task-failed' | 'task-progress'>()
  if (event.type === 'task-failed') same(event.exception).as<string>()
  else same(event['percent']).as<unknown>()
}

for await (const event of app.events('*')) same(event).as<OwnEvent>()

same(app.events$()).as<Observable<Event>>()
same(app.events$('task-sent')).as<Observable<EventOf<'task-sent'>>>()
