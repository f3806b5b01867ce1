// What a consumer holds, as it knows it: tags, and the letters that their fields got over there since they
// were claimed (`n` its start was noted, `e` acknowledged early, `j` its chord's body is not out yet, `g` it
// is inside a gate: that may stand in the tag as well).
import type { Completion, Delivery, StepReply } from '../runtime/consumer.js'

export class Holdings {
  readonly #tags = new Set<string>()
  /** Most tags never get a letter. */
  readonly #letters = new Map<string, string>()
  /** Messages of shared queues, as they came: they go back marked. */
  readonly #raws = new Map<string, Buffer>()

  /** The field in the consumer's hash that a tag stands for now. */
  fieldOf = (tag: string): string => (this.#letters.size === 0 ? tag : tag + (this.#letters.get(tag) ?? ''))

  mark(tag: string, letter: 'n' | 'e' | 'j' | 'g'): void {
    this.#letters.set(tag, (this.#letters.get(tag) ?? '') + letter)
  }

  /** A step was answered: what it completed is gone, but for what joins; what it delivered is ours. */
  settle(completions: readonly Completion[], { joins, deliveries }: StepReply): void {
    const joining = joins.length === 0 ? null : new Set(joins.map(({ completion }) => completion))
    for (let i = 0; i < completions.length; i++) {
      const { tag } = completions[i] as Completion
      if (joining?.has(i)) this.mark(tag, 'j')
      else this.drop(tag)
    }
    for (let i = 0; i < deliveries.length; i++) {
      const { tag, raw } = deliveries[i] as Delivery
      this.#tags.add(tag)
      if (tag.endsWith('s')) this.#raws.set(tag, raw)
    }
  }

  rawOf = (tag: string): Buffer | undefined => this.#raws.get(tag)

  /** It is somebody else's. */
  drop(tag: string): void {
    this.#tags.delete(tag)
    if (this.#letters.size > 0) this.#letters.delete(tag)
    if (this.#raws.size > 0) this.#raws.delete(tag)
  }

  /** Fields of messages that came with requests before this one, and that nobody here knows. */
  unknown(fields: readonly string[], beforeRequest: number): readonly string[] {
    return fields.filter((field) => {
      const bare = field.replace(/[nej]+$/, '')
      const isOurs = this.#tags.has(bare) || this.#tags.has(field.replace(/[nejg]+$/, ''))
      return Number.parseInt(field, 10) < beforeRequest && !isOurs
    })
  }

  clear(): void {
    this.#tags.clear()
    this.#letters.clear()
    this.#raws.clear()
  }
}
