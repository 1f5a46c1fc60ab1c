/** Which Host and Origin a server answers, so that a page opened in a browser cannot reach it under a name of its own (DNS rebinding). */
import { isIP } from 'node:net'

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1'])

/** Host name of `name:port`, `[v6]:port` or a URL's authority, in lower case; null where it is none. */
export function hostNameOf(authority: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+))(?::\d{1,5})?$/i.exec(authority)
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null
}

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '')

/**
 * Loopback names, configured names, and the very address the connection arrived at: a page can make its own name point
 * here, but cannot make an address its origin without being served from it.
 */
export function isAllowedHost(
  authority: string | undefined,
  allowed: ReadonlySet<string>,
  localAddress: string | undefined,
): boolean {
  const name = authority === undefined ? null : hostNameOf(authority)
  if (name === null) return false
  if (LOOPBACK_NAMES.has(name) || allowed.has(name)) return true
  return isIP(name) !== 0 && localAddress !== undefined && plainAddress(localAddress) === name
}

/** No Origin: not a page in a browser. `null` and anything that is not http(s) is refused. */
export function isAllowedOrigin(
  origin: string | undefined,
  allowed: ReadonlySet<string>,
  localAddress: string | undefined,
): boolean {
  if (origin === undefined) return true
  const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]
  return authority !== undefined && isAllowedHost(authority, allowed, localAddress)
}
