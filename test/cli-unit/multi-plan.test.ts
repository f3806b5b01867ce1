// What the words of `lovage multi` mean: nodes, and the command line of each.
import { describe, expect, it } from 'vitest'
import { planNodes } from '../../src/cli/multi-plan.js'

const plan = (line: string, before: readonly string[] = []) =>
  planNodes(line.split(' '), 'node.example.org', before)
const lines = (line: string) => plan(line).nodes.map(({ words }) => words.join(' '))

describe('nodes', () => {
  it('are counted, or named', () => {
    expect(plan('2').nodes.map(({ name }) => name)).toEqual([
      'celery1@node.example.org',
      'celery2@node.example.org',
    ])
    expect(plan('w1 w2@other').nodes.map(({ name }) => name)).toEqual(['w1@node.example.org', 'w2@other'])
  })

  it('have files of their own', () => {
    const [first] = plan('w1').nodes
    expect(first).toMatchObject({ pidfile: 'w1.pid', logfile: 'w1.log' })
    const [own] = plan('w1 --pidfile=/run/%n-%h.pid -f /log/%p.log').nodes
    expect(own).toMatchObject({
      pidfile: '/run/w1-node.example.org.pid',
      logfile: '/log/w1@node.example.org.log',
    })
  })

  it('are needed', () => {
    for (const none of ['-l INFO', '0'])
      expect(() => plan(none)).toThrow(/expected names of nodes, or how many/)
    expect(() => plan('2 -c')).toThrow('-c expects a value')
  })
})

describe('options', () => {
  it('of the program stand before the command, the others behind it', () => {
    expect(lines('1 -A proj/tasks.ts -l INFO -E -c 3')).toEqual([
      '-A proj/tasks.ts worker -l INFO -E -c 3 --pidfile=celery1.pid --logfile=celery1.log -n celery1@node.example.org',
    ])
    expect(plan('1', ['-A', 'x.ts']).nodes[0]!.words.slice(0, 3)).toEqual(['-A', 'x.ts', 'worker'])
  })

  it('may be for some nodes, by number, range and name', () => {
    const concurrency = (line: string) => lines(line).map((text) => / -c (\d+)/.exec(text)?.[1])
    expect(concurrency('3 -c 3 -c:1 10')).toEqual(['10', '3', '3'])
    expect(concurrency('3 -c:2-3 5')).toEqual([undefined, '5', '5'])
    expect(concurrency('a b c -c:a,c 7')).toEqual(['7', undefined, '7'])
  })

  it('name the signal', () => {
    expect(plan('2').signal).toBe('SIGTERM')
    expect(plan('2 -QUIT').signal).toBe('SIGQUIT')
    expect(plan('2 -SIGINT').signal).toBe('SIGINT')
  })
})
