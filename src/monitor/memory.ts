// What is told of a task once, and wanted with all that comes later of it: kept by its id, the latest so many.
export class Memory<T> {
  readonly #known = new Map<string, T>()

  constructor(private readonly most: number) {}

  get(id: string): T | undefined {
    return this.#known.get(id)
  }

  set(id: string, value: T): void {
    this.#known.delete(id)
    this.#known.set(id, value)
    if (this.#known.size <= this.most) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
