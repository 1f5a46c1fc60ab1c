/** Who may use a route. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Lane } from './ingest/lane.ts'
import { Refusal } from './refusal.ts'

/** Runs before the body is read: what is refused here costs nothing. */
export function accessHook(token: string | null, lane: Lane): onRequestHookHandler {
  return (request, _reply, done) => {
    done(accessRefusal(request, token) ?? lane.refusalOf(bytesAnnounced(request)) ?? undefined)
  }
}

/** For a route whose access is decided by the body's signature. */
export function roomHook(lane: Lane): onRequestHookHandler {
  return (request, _reply, done) => {
    done(lane.refusalOf(bytesAnnounced(request)) ?? undefined)
  }
}

function bytesAnnounced(request: FastifyRequest): number {
  return Number(request.headers['content-length'] ?? 0)
}

/** Bearer token once one is configured; until then this machine only. Null: welcome. */
export function accessRefusal(
  request: {
    readonly headers: FastifyRequest['headers']
    readonly socket: { readonly remoteAddress?: string | undefined }
  },
  token: string | null,
): Refusal | null {
  if (token === null) {
    if (isLoopback(request.socket.remoteAddress)) return null
    return new Refusal(
      403,
      'forbidden',
      'without a configured token this route answers to this machine only; set gateway.token and send it as bearer token',
    )
  }
  const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]?.trimEnd()
  if (given === undefined)
    return new Refusal(401, 'unauthorized', 'send the header Authorization: Bearer <gateway.token>')
  return sameSecret(given, token)
    ? null
    : new Refusal(401, 'unauthorized', 'the bearer token is not the configured one')
}

/** Digests have one length, so that the time of the comparison tells nothing, not even how long the secret is. */
function sameSecret(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  return address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)
}
