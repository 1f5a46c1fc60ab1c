import type { FastifyInstance, FastifyRequest } from 'fastify'
import { roomHook } from '../access.ts'
import { parseJson } from '../jsonBody.ts'
import { malformed, Refusal } from '../refusal.ts'
import { rawBody, requireJson } from '../requestBody.ts'
import { mapGithub, signatureMatches } from '../sources/github.ts'
import type { RouteContext } from './context.ts'

export const GITHUB_OFF =
  'GitHub webhooks are off: set gateway.github_webhook_secret (DEVOPS_GATEWAY_GITHUB_WEBHOOK_SECRET) to the secret of the webhook and restart the gateway'

export function addGithubRoute(scope: FastifyInstance, context: RouteContext, secret: string | null): void {
  scope.post('/webhooks/github', { onRequest: roomHook(context.lane) }, async (request, reply) => {
    if (secret === null) throw new Refusal(404, 'off', GITHUB_OFF)
    const body = rawBody(request)
    checkSignature(request, secret, body)
    requireJson(request)
    const kind = request.headers['x-github-event']
    if (typeof kind !== 'string' || kind === '') throw malformed('X-GitHub-Event', 'the header is missing')
    const mapped = mapGithub(kind, parseJson(body), context.mapping(request))
    if (mapped.kind === 'not_of_interest') {
      context.telemetry.notOfInterest(mapped.reason)
      return reply.code(200).send({ accepted: 0, notOfInterest: mapped.reason })
    }
    return reply.code(202).send(await context.acceptEvents('github', mapped.events))
  })
}

function checkSignature(request: FastifyRequest, secret: string, body: Buffer): void {
  const signature = request.headers['x-hub-signature-256']
  if (typeof signature !== 'string') throw new Refusal(401, 'unauthorized', 'the header X-Hub-Signature-256 is missing')
  if (!signatureMatches(secret, body, signature)) {
    throw new Refusal(
      401,
      'unauthorized',
      'the signature does not match: is the secret of the webhook the configured one?',
    )
  }
}
