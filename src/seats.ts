// What comes and goes many thousand times a second, to be looked through now and then. A Map or a Set would do, but
// for the collector: such a table fills up with what was removed, makes itself anew every few hundred times, and leaves an
// old one that, being old, keeps alive what stood in it until the next full collection. Of a worker's 18 µs a task at
// concurrency 100 that took 6.
export class Seats<T> {
  private readonly seats: (T | undefined)[] = []
  private readonly free: number[] = []

  get size(): number {
    return this.seats.length - this.free.length
  }

  /** The number of its seat. */
  take(thing: T): number {
    const seat = this.free.pop() ?? this.seats.length
    this.seats[seat] = thing
    return seat
  }

  leave(seat: number): void {
    this.seats[seat] = undefined
    this.free.push(seat)
  }

  /** In no order. */
  *[Symbol.iterator](): Iterator<T> {
    for (const thing of this.seats) if (thing !== undefined) yield thing
  }
}
