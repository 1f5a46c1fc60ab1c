import type { FastifyRequest } from 'fastify'
import { malformed, unsupported } from './refusal.ts'
import { parseJson } from './jsonBody.ts'

/** The raw bytes of the request, as the parser of gateway.ts leaves them. */
export function rawBody(request: FastifyRequest): Buffer {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) throw malformed('', 'the body is empty')
  return request.body
}

/** Throws a Refusal unless the request says that it carries plain JSON. */
export function requireJson(request: FastifyRequest): void {
  const type = mediaType(request)
  if (type !== 'application/json') {
    throw unsupported(`content-type ${type === '' ? '(none)' : type} is not accepted here: send application/json`)
  }
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw unsupported('send the body without content-encoding')
}

export function jsonBody(request: FastifyRequest): unknown {
  requireJson(request)
  return parseJson(rawBody(request))
}

export function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** W3C traceparent, where the request has a valid one. */
export function traceOf(request: FastifyRequest): string | null {
  const header = request.headers['traceparent']
  return typeof header === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header)
    ? header
    : null
}
