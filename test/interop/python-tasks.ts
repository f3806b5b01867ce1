// proj's tasks (test/support/python/proj.py), declared as a program in TypeScript declares them.
import type { App } from 'lovage'

const python = { queue: 'python' } as const

export const declarePython = (app: App) => ({
  add: app.declare<(x: number, y?: number) => number>('proj.add', { ...python, params: ['x', 'y'] }),
  mul: app.declare<(x: number, y?: number) => number>('proj.mul', python),
  tsum: app.declare<(numbers: number[]) => number>('proj.tsum', python),
  ident: app.declare<(...args: any[]) => [any[], object]>('proj.ident', python),
  echo: app.declare<(value: any) => any>('proj.echo', python),
  describe: app.declare<(value: unknown) => [string, string]>('proj.describe', python),
  fail: app.declare<(...args: unknown[]) => never>('proj.fail', python),
  failKey: app.declare<(key: string) => never>('proj.fail_key', python),
  flaky: app.declare<(times?: number, countdown?: number) => number>('proj.flaky', python),
  flakyMax: app.declare<() => never>('proj.flaky_max', python),
  requestOf: app.declare<(...args: any[]) => any>('proj.request_of', python),
  progress: app.declare<(done: number, total: number) => never>('proj.progress', python),
  sleep: app.declare<(seconds: number) => number>('proj.sleep', python),
  spawner: app.declare<(n?: number) => number>('proj.spawner', python),
  record: app.declare<(...args: any[]) => any>('proj.record', python),
  errback: app.declare<(id: string) => void>('proj.errback', python),
})

export type PythonTasks = ReturnType<typeof declarePython>
