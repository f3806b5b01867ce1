// Which tasks a header had, kept for whoever has only the id of its body (`resultExtended`). Results may lie on a
// server of their own: while that is away no chord waits for it.
import type { Logger } from '../../log.js'
import type { Backend } from '../backend.js'

/** How long one chord waits for a server that has answered so far. */
const patienceMs = 1000

export class KeptHeaders {
  private isSlow = false

  constructor(
    private readonly backend: () => Promise<Pick<Backend, 'saveGroup'>>,
    private readonly log: Logger,
    private readonly patience = patienceMs,
  ) {}

  /** `shape` is Celery's text of a saved group. Fulfilled when it is kept, or will not be soon. */
  async keep(groupId: string, shape: string, expires: number): Promise<void> {
    const saved = this.save(groupId, shape, expires)
    if (this.isSlow) return
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.isSlow = true
        resolve()
      }, this.patience)
    })
    await Promise.race([saved, tooLong])
    clearTimeout(timer)
  }

  private async save(groupId: string, shape: string, expires: number): Promise<void> {
    try {
      await (await this.backend()).saveGroup(groupId, shape, expires)
      this.isSlow = false
    } catch (error) {
      this.log.warning(`The members of header ${groupId} could not be kept for graph(): ${String(error)}`)
    }
  }
}
