// Name → task. One per app; what a worker can run, and what a client knows of a task's own options.
import { AlreadyRegistered, NotRegistered } from '../errors.js'
import { readParams, type TaskDefinition } from './task.js'

export class Registry {
  private readonly definitions = new Map<string, TaskDefinition>()

  add(definition: TaskDefinition): void {
    const known = this.definitions.get(definition.name)
    if (known !== undefined)
      throw new AlreadyRegistered(
        `There is a task named "${definition.name}" already. Names are addresses: give one of the two another name.`,
      )
    this.definitions.set(definition.name, readParams(definition))
  }

  get(name: string): TaskDefinition | undefined {
    return this.definitions.get(name)
  }

  some(test: (definition: TaskDefinition) => boolean): boolean {
    return [...this.definitions.values()].some(test)
  }

  /** The definition with code to run; throws NotRegistered with what there is. */
  runnable(name: string): TaskDefinition & { readonly run: (...args: any[]) => unknown } {
    const known = this.definitions.get(name)
    if (known?.run !== undefined)
      return known as TaskDefinition & { readonly run: (...args: any[]) => unknown }
    const names = this.names().filter((other) => !other.startsWith('celery.'))
    const list =
      names.length === 0 ? 'no tasks' : names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')
    throw new NotRegistered(
      name,
      `Task "${name}" is not registered in this worker. It knows: ${list}. Is its module loaded by -A?`,
    )
  }

  /** Names of the tasks that can be run here, sorted. */
  names(): readonly string[] {
    return [...this.definitions.values()]
      .filter(({ run }) => run !== undefined)
      .map(({ name }) => name)
      .sort()
  }
}
