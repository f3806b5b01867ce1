// Where a Redis is, and how we are let in; and whether two of them are one.
import type { ConnectionOptions } from 'node:tls'

export interface Place {
  readonly host: string
  readonly port: number
}

export interface Sentinels {
  readonly places: readonly Place[]
  /** What they call the Redis that is meant. */
  readonly master: string
  /** For the sentinels themselves. */
  readonly username: string | null
  readonly password: string | null
  /** Also for them themselves. */
  readonly tls: ConnectionOptions | null
}

export interface Address {
  readonly host: string
  readonly port: number
  /** Who knows where it is at present, instead of host and port. */
  readonly sentinels: Sentinels | null
  /** A unix socket, instead of host and port. */
  readonly path: string | null
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly tls: ConnectionOptions | null
  /** For people: the password is `**`. */
  readonly masked: string
}

const local = ['localhost', '127.0.0.1', '::1']

/** One of the sentinels that know the one knows the other by the same name. */
const sameMaster = (a: Sentinels | null, b: Sentinels | null): boolean =>
  a !== null &&
  a.master === b?.master &&
  a.places.some(({ host, port }) => b.places.some((place) => place.host === host && place.port === port))

/** Whether both lie on one server, as far as their names tell. */
export const sameServer = (a: Address, b: Address): boolean =>
  a.path !== null || b.path !== null
    ? a.path === b.path
    : a.sentinels !== null || b.sentinels !== null
      ? sameMaster(a.sentinels, b.sentinels)
      : a.port === b.port && (a.host === b.host || (local.includes(a.host) && local.includes(b.host)))

/** One connection can do for both. */
export const sameAccess = (a: Address, b: Address): boolean =>
  sameServer(a, b) && a.database === b.database && a.username === b.username && a.password === b.password
