/** MCP over HTTP at /mcp, both protocol eras, without sessions. */
import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  localhostAllowedHostnames,
  validateHostHeader,
  validateOriginHeader,
  type McpServerFactory,
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isIPv6 } from 'node:net'
import { HttpError } from '../../runtime/http/errors.ts'

export interface EndpointOptions {
  readonly factory: McpServerFactory
  /** Host names it answers under besides loopback. */
  readonly allowedHosts: readonly string[]
  readonly bodyBytesMax: number
  readonly onError: (error: Error) => void
}

const STREAMS_MAX = 256

/** Closing the returned handle ends what is still open. */
export function mountMcp(server: FastifyInstance, options: EndpointOptions): { close(): Promise<void> } {
  const handler = createMcpHandler(options.factory, {
    onerror: options.onError,
    maxRequestBodySize: options.bodyBytesMax,
    maxSubscriptions: STREAMS_MAX,
  })
  const node = toNodeHandler(handler, { onerror: options.onError, maxRequestBodySize: options.bodyBytesMax })

  void server.register((scope, _options, done) => {
    // The protocol's library reads the body itself and refuses it in the protocol's own words.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, parsed) => {
      parsed(null)
    })
    scope.addHook('onRequest', (request, _reply, next) => {
      next(refusalOf(request, options.allowedHosts) ?? undefined)
    })
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      handler: async (request, reply) => {
        reply.hijack()
        // The library's shape of a request leaves out that its properties may be undefined.
        await node(request.raw as Parameters<typeof node>[0], reply.raw)
      },
    })
    done()
  })
  return { close: () => handler.close() }
}

/** The protocol's own check, beside the one that every server of ours makes: the endpoint stays safe wherever it is mounted. */
function refusalOf(request: FastifyRequest, allowedHosts: readonly string[]): HttpError | null {
  const local = request.raw.socket.localAddress
  const arrivedAt = local === undefined ? [] : [isIPv6(local) ? `[${local}]` : local]
  const allowed = [...localhostAllowedHostnames(), ...allowedHosts, ...arrivedAt]
  const host = validateHostHeader(request.headers.host, allowed)
  if (!host.ok) return new HttpError(403, 'host_not_allowed', host.message)
  const origin = validateOriginHeader(request.headers.origin, allowed)
  return origin.ok ? null : new HttpError(403, 'origin_not_allowed', origin.message)
}
