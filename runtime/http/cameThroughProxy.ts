import type { IncomingHttpHeaders } from 'node:http'

/** Forwarding headers: the peer is a proxy on this machine, the client may be anywhere. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const

export const cameThroughProxy = (headers: IncomingHttpHeaders): boolean =>
  FORWARDING.some((name) => headers[name] !== undefined)
