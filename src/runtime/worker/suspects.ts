// Deliveries whose workers died more than once. Each begins alone, so that one killer takes no neighbours along: it
// waits until what runs has ended, and for a while after its start nothing else begins.
import type { Delivery } from '../consumer.js'

/** A message that kills its worker does so soon. For so long a suspect is alone, and for so long it waits to be. */
const aloneMs = 5000

export class Suspects {
  private readonly waiting: Delivery[] = []
  /** While it is set, the last suspect has only just begun, and nothing else begins. */
  private alone: NodeJS.Timeout | undefined
  /** While it is set, a suspect waits for what runs to end; `false` when that has taken too long. */
  private patience: NodeJS.Timeout | false | undefined

  constructor(
    /** Starts it. */
    private readonly take: (delivery: Delivery, onEnd: () => void) => void,
    /** Something may begin that could not before. */
    private readonly goOn: () => void,
  ) {}

  get list(): readonly Delivery[] {
    return this.waiting
  }

  /** Nothing else may begin. */
  get isAlone(): boolean {
    return this.alone !== undefined
  }

  add(delivery: Delivery): void {
    this.waiting.push(delivery)
  }

  /** The next one begins when nothing else runs, or when what runs takes too long: others wait for work, too. */
  begin(busy: number): void {
    if (busy > 0 && this.patience !== false) {
      this.patience ??= setTimeout(() => {
        this.patience = false
        this.goOn()
      }, aloneMs)
      return
    }
    this.forgetPatience()
    const begun = setTimeout(() => this.unfence(begun), aloneMs)
    this.alone = begun
    this.take(this.waiting.shift() as Delivery, () => this.unfence(begun))
  }

  /** All that have not begun, which are no longer its. */
  clear(): readonly Delivery[] {
    this.forgetPatience()
    return this.waiting.splice(0)
  }

  private unfence(begun: NodeJS.Timeout): void {
    clearTimeout(begun)
    if (this.alone !== begun) return
    this.alone = undefined
    this.goOn()
  }

  private forgetPatience(): void {
    if (this.patience !== false) clearTimeout(this.patience)
    this.patience = undefined
  }
}
