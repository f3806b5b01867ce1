// Which server this is, by its INFO, and whether it is new enough for us.

/** `RPOP` with a count came with it. */
const oldest = [6, 2] as const

export const field = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()

const versionOf = (info: string): string => field(info, 'redis_version') ?? 'unknown'

/** As people call it: `Redis 7.0.15`. */
export const serverOf = (info: string): string =>
  `${field(info, 'server_name') === 'valkey' ? 'Valkey' : 'Redis'} ${field(info, 'valkey_version') ?? versionOf(info)}`

/** What is said of one that is too old; nothing of one that does not tell its version. */
export const ageTrouble = (info: string): string | undefined => {
  const [major = 0, minor = 0] = versionOf(info).split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
    ? `${serverOf(info)} is too old: Lovage needs Redis 6.2 or newer. Upgrade the server, or use another one.`
    : undefined
}
