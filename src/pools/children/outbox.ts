// What is said in one turn leaves as one frame.
import type { Frame } from './messages.js'

export class Outbox<Message> {
  private waiting: Message[] = []

  constructor(private readonly send: (frame: Frame<Message>) => void) {}

  say(message: Message): void {
    this.waiting.push(message)
    if (this.waiting.length === 1) queueMicrotask(() => this.flush())
  }

  flush(): void {
    if (this.waiting.length === 0) return
    const frame = this.waiting
    this.waiting = []
    this.send(frame)
  }
}
