// Which engines a suite is played on: memory and Redis; and Redis with results on a server of their own, where that makes
// most of a difference. Everything is played there by `npm run test:long`, which says so by ENGINES=apart.
export const engineList = <T>(
  { memory, redis, apart }: Readonly<Record<'memory' | 'redis' | 'apart', () => T>>,
  andApart?: 'and apart',
): readonly T[] =>
  process.env.ENGINES === 'apart' ? [apart()] : [memory(), redis(), ...(andApart ? [apart()] : [])]
