/** Who may use a route. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { cameThroughProxy } from '../runtime/http/cameThroughProxy.ts'
import { isLoopback } from '../runtime/http/isLoopback.ts'
import type { BodyRoom } from './ingest/bodyRoom.ts'
import type { Lane } from './ingest/lane.ts'
import { Refusal } from './refusal.ts'

/** A public name without a token would let everybody in whom a proxy on this machine lets through. */
export class TokenMissing extends Error {
  readonly retryable = false
  constructor(publicHosts: readonly string[]) {
    super(
      `gateway.public_hosts names ${publicHosts.join(', ')}, but gateway.token is not set: behind a proxy on this machine every sender looks local. ` +
        'Set gateway.token (DEVOPS_GATEWAY_TOKEN), or remove gateway.public_hosts',
    )
    this.name = 'TokenMissing'
  }
}

export function requireTokenIfPublic(gateway: { publicHosts: readonly string[]; token: string | null }): void {
  if (gateway.publicHosts.length > 0 && gateway.token === null) throw new TokenMissing(gateway.publicHosts)
}

/** Runs before the body is read: what is refused here costs nothing. */
export function accessHook(token: string | null, lane: Lane, room: BodyRoom): onRequestHookHandler {
  return (request, reply, done) => {
    done(accessRefusal(request, token) ?? letIn(request, reply, lane, room) ?? undefined)
  }
}

function letIn(request: FastifyRequest, reply: FastifyReply, lane: Lane, room: BodyRoom): Refusal | null {
  const announced = announcedBytes(request)
  return lane.refusalOf(announced ?? 0) ?? room.take(announced, reply.raw)
}

/** Null where the request does not say. */
export function announcedBytes({ headers }: Pick<FastifyRequest, 'headers'>): number | null {
  const length = headers['content-length']
  return length === undefined ? null : Number(length)
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
    if (cameThroughProxy(request.headers)) {
      return new Refusal(
        403,
        'forbidden',
        'this request came through a proxy, and without a configured token this route answers to this machine only; set gateway.token and send it as bearer token',
      )
    }
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
