// What Node is told when it starts a child: what its parent was told, and to be thrifty.

/**
 * A child shares the machine with its siblings, so it does without what a process alone may have: young objects get
 * 1 MiB and not 16, old ones are first cleared at 8, so that what only loading needed goes early, and one thread (not
 * four) helps to clear. Whoever starts Node with one of these has said what he wants.
 */
const thrift = ['--max-semi-space-size=1', '--initial-old-space-size=8', '--v8-pool-size=1']

/** None of them speaks of the parent's own program. */
export const childFlags = (execArgv: readonly string[], nodeOptions = ''): string[] => {
  const flags: string[] = []
  for (let at = 0; at < execArgv.length; at += 1) {
    const flag = execArgv[at] as string
    if (/^(-e|-p|-pe|--eval|--print)$/.test(flag)) at += 1
    else if (!/^--(inspect|input-type|eval=|print=)/.test(flag)) flags.push(flag)
  }
  const said = [...flags, nodeOptions].join(' ').replaceAll('_', '-')
  return [...flags, ...thrift.filter((flag) => !said.includes(flag.replace(/=.*/, '')))]
}
