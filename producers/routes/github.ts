import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify'
import { roomHook } from '../access.ts'
import { parseJson } from '../jsonBody.ts'
import { malformed, Refusal } from '../refusal.ts'
import { rawBody, requireJson } from '../requestBody.ts'
import { mapGithub, signatureMatches } from '../sources/github.ts'
import type { RouteContext } from './context.ts'

export const GITHUB_OFF =
  'GitHub webhooks are off: set gateway.github_webhook_secret (DEVOPS_GATEWAY_GITHUB_WEBHOOK_SECRET) to the secret of the webhook and restart the gateway'

export function addGithubRoute(scope: FastifyInstance, context: RouteContext, secret: string | null): void {
  const { lane, room } = context
  // Anybody can send here: what the headers alone can tell is told before a body is let in.
  const onRequest = [headersHook(secret), roomHook(lane, room)]
  scope.post('/webhooks/github', { onRequest }, async (request, reply) => {
    const body = rawBody(request)
    if (secret === null || !signatureMatches(secret, body, signatureOf(request))) {
      throw new Refusal(
        401,
        'unauthorized',
        'the signature does not match: is the secret of the webhook the configured one?',
      )
    }
    const mapped = mapGithub(kindOf(request), parseJson(body), context.mapping(request))
    if (mapped.kind === 'not_of_interest') {
      context.telemetry.notOfInterest(mapped.reason)
      return reply.code(200).send({ accepted: 0, notOfInterest: mapped.reason })
    }
    return reply.code(202).send(await context.acceptEvents('github', mapped.events))
  })
}

function headersHook(secret: string | null): onRequestHookHandler {
  return (request, _reply, done) => {
    try {
      if (secret === null) throw new Refusal(404, 'off', GITHUB_OFF)
      signatureOf(request)
      requireJson(request)
      done()
    } catch (error) {
      done(error as Error)
    }
  }
}

function signatureOf(request: FastifyRequest): string {
  const signature = request.headers['x-hub-signature-256']
  if (typeof signature !== 'string') throw new Refusal(401, 'unauthorized', 'the header X-Hub-Signature-256 is missing')
  if (!/^sha256=[0-9a-f]{64}$/i.test(signature)) {
    throw new Refusal(401, 'unauthorized', 'the header X-Hub-Signature-256 is not sha256=<64 hexadecimal digits>')
  }
  return signature
}

function kindOf(request: FastifyRequest): string {
  const kind = request.headers['x-github-event']
  if (typeof kind !== 'string' || kind === '') throw malformed('X-GitHub-Event', 'the header is missing')
  return kind
}
