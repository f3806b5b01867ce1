// Secrets, wherever URLs and settings are shown: banners, logs, errors, `report`, `inspect conf`.

/** Celery's rule for the names of what no operator may see. */
const secret = /api|token|key|secret|pass|profanities_list|signature|database|beat_dburi/i

export const isSecret = (name: string): boolean => secret.test(name)

/**
 * A URL as it may be shown: without its password, however odd that is, and wherever it ends where the host is missing, and
 * without the place of a private key.
 */
export const maskUrl = (url: string, mask = '**'): string =>
  url
    .replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?[^:@/?#]*):.*@/i, `$1:${mask}@`)
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#[]*):(?!\d+(?:[/?#,;]|$))[^@]*$/i, `$1:${mask}`)
    .replace(/([?&](?:ssl_keyfile|\w*password)=)[^&]*/gi, `$1${mask}`)

const isDict = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The same value; what is secret in it, or looks like a URL with a password, is the mask. */
export const maskSecrets = (
  name: string,
  value: unknown,
  mask: string,
  isHidden: (name: string) => boolean = isSecret,
): unknown => {
  if (value == null) return value
  if (isHidden(name)) return mask
  const inner = (key: string, item: unknown): unknown => maskSecrets(key, item, mask, isHidden)
  if (isDict(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(key, item)]))
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, inner(String(key), item)]))
  if (typeof value === 'string' && (value.includes('://') || /url$|backend$/i.test(name)))
    return maskUrl(value, mask)
  return Array.isArray(value) ? value.map((item) => inner('', item)) : value
}
