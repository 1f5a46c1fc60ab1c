/** The HTTP server every process has: health, metrics, Host and Origin check, errors as JSON. Routes are added by its owner. */
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Registry } from 'prom-client'
import type { Log } from '../telemetry/log.ts'
import { HttpError, answerOf, isPassing } from './errors.ts'
import { cameThroughProxy } from './cameThroughProxy.ts'
import { isAllowedHost, isAllowedOrigin } from './isAllowedHost.ts'
import { createHttpTelemetry } from './telemetry.ts'

// Against clients that hold connections by sending slowly, or by not sending at all.
const HEADERS_WITHIN_MS = 10_000
const HEADERS_AND_BODY_WITHIN_MS = 30_000
const TIMEOUTS_CHECKED_EVERY_MS = 5_000
/** More are closed as they come. */
const CONNECTIONS_MAX = 1_024

const STATUS_OF_INVALID_HTTP: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
])

export interface HttpServerOptions {
  /** gateway, consumer, trainer or adapter */
  readonly process: string
  /** Address it will listen on; its name is an allowed Host unless it stands for all addresses. */
  readonly host: string
  readonly port: number
  readonly registry: Registry
  readonly log: Log
  readonly ready: () => { ready: boolean; detail: Record<string, unknown> }
  /** Names by which it may be reached besides loopback. */
  readonly allowedHosts?: readonly string[]
  readonly bodyBytesMax: number
  /** Whether requests that a proxy forwarded are let in: only where routes ask for a token themselves. */
  readonly proxied?: boolean
}

export class PortTaken extends Error {
  readonly retryable = false
  readonly host: string
  readonly port: number
  constructor(process: string, host: string, port: number) {
    super(
      `${process}: port ${port} on ${host} is taken. Stop the program that holds it, or choose another port in the configuration`,
    )
    this.name = 'PortTaken'
    this.host = host
    this.port = port
  }
}

const ports = new WeakMap<FastifyInstance, string>()

/**
 * JSON bodies are parsed by default; a route that needs the raw bytes registers a content type parser with
 * `parseAs: 'buffer'` in its own plugin. Throw HttpError to answer with an error.
 */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { registry, log, ready } = options
  const telemetry = createHttpTelemetry(registry, log)
  const named = [options.host, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase())
  const allowed = new Set(named.filter((name) => name !== '0.0.0.0' && name !== '::'))

  const server = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    requestTimeout: HEADERS_AND_BODY_WITHIN_MS,
    http: { headersTimeout: HEADERS_WITHIN_MS, connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS },
    forceCloseConnections: 'idle',
    trustProxy: false,
    // What is not HTTP at all never becomes a request.
    clientErrorHandler(error, socket) {
      const statusCode = STATUS_OF_INVALID_HTTP.get(error.code) ?? 400
      const message = 'this is not a valid HTTP request'
      const body = JSON.stringify({ error: { code: 'invalid_http', message, retryable: isPassing(statusCode) } })
      if (socket.writable) {
        socket.write(
          `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\nContent-Type: application/json\r\n` +
            `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
        )
      }
      socket.destroy()
    },
    frameworkErrors(error, _request, reply: FastifyReply) {
      const answer = answerOf(error)
      void reply.code(answer.statusCode).send(answer.body)
    },
  })
  ports.set(server, options.process)
  server.server.maxConnections = CONNECTIONS_MAX
  endConnectionsOnClose(server)
  // A page may send text anywhere without being asked about it first; JSON it may not.
  server.removeContentTypeParser('text/plain')

  server.addHook('onRequest', (request, _reply, done) => {
    const local = request.socket.localAddress
    if (!hasOneHost(request.raw)) {
      telemetry.requestRefused('host')
      done(new HttpError(400, 'host_ambiguous', 'the request names more than one host'))
    } else if (!isAllowedHost(request.headers.host, allowed, local)) {
      telemetry.requestRefused('host')
      done(new HttpError(403, 'host_not_allowed', 'this server does not answer under that Host name'))
    } else if (!isAllowedOrigin(request.headers.origin, allowed, local)) {
      telemetry.requestRefused('origin')
      done(new HttpError(403, 'origin_not_allowed', 'this server does not answer pages of that Origin'))
    } else if (options.proxied !== true && cameThroughProxy(request.headers)) {
      telemetry.requestRefused('proxy')
      done(
        new HttpError(
          403,
          'forbidden',
          `this request came through a proxy, and the ${options.process} asks nobody for a token: let its clients reach it directly, or the proxy would open it to all that reach the proxy`,
        ),
      )
    } else done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched'
    telemetry.requestAnswered(request.method, route, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
  server.setErrorHandler((error, request, reply) => {
    const answer = answerOf(error)
    if (answer.statusCode >= 500 && !(error instanceof HttpError)) {
      telemetry.requestFailed(request.routeOptions.url ?? 'unmatched', error)
    }
    return reply.code(answer.statusCode).headers(answer.headers).send(answer.body)
  })
  const methods = new Map<string, Set<string>>()
  server.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    methods.set(url, known)
  })
  server.setNotFoundHandler((request) => {
    const path = request.url.replace(/\?.*$/s, '')
    const known = [...methods].filter(([route]) => isAt(route, path)).flatMap(([, of]) => [...of])
    if (known.length > 0) {
      const allow = known.join(', ')
      throw new HttpError(405, 'method_not_allowed', `this path takes ${allow}`, { headers: { allow } })
    }
    throw new HttpError(404, 'not_found', 'there is nothing at this path for this method')
  })

  server.get('/healthz', () => ({ status: 'ok', process: options.process }))
  server.get('/readyz', (_request, reply) => {
    const state = ready()
    return reply.code(state.ready ? 200 : 503).send({ ready: state.ready, process: options.process, ...state.detail })
  })
  server.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', registry.contentType).send(await registry.metrics())
  })
  return server
}

/** Whether the path is one of the route's, whose parameters (`/query/:name`) are whole segments. */
function isAt(route: string, path: string): boolean {
  const [wanted, given] = [route.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  )
}

/** A connection that is busy when the server begins to close would otherwise hold it open until its keep-alive ends. */
function endConnectionsOnClose(server: FastifyInstance): void {
  let closing = false
  server.addHook('preClose', (next) => {
    closing = true
    next()
  })
  server.addHook('onSend', (_request, reply, _payload, next) => {
    if (closing) void reply.header('connection', 'close')
    next()
  })
}

/** What stands before this server may go by the other one of two names. */
function hasOneHost({ rawHeaders, headers, url }: IncomingMessage): boolean {
  const named = rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host')
  if (named.length > 1) return false
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url ?? '')?.[1]
  return authority === undefined || authority.toLowerCase() === headers.host?.toLowerCase()
}

/** Resolves with the address it listens on, as a base URL. Throws PortTaken. */
export async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new PortTaken(ports.get(server) ?? 'this process', host, port)
    }
    throw error
  }
}
