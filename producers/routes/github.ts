import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, preParsingHookHandler } from 'fastify'
import { announcedBytes } from '../access.ts'
import type { ChangeLookups } from '../changes/changeLookups.ts'
import type { Lane } from '../ingest/lane.ts'
import type { UnsignedRoom } from '../ingest/unsignedRoom.ts'
import { parseJson, wellFormed } from '../jsonBody.ts'
import { malformed, Refusal } from '../refusal.ts'
import { rawBody, requireJson } from '../requestBody.ts'
import { mapGithub, signatureMatches } from '../sources/github.ts'
import type { RouteContext } from './context.ts'

export const GITHUB_OFF =
  'GitHub webhooks are off: set gateway.github_webhook_secret (DEVOPS_GATEWAY_GITHUB_WEBHOOK_SECRET) to the secret of the webhook and restart the gateway'

export function addGithubRoute(
  scope: FastifyInstance,
  context: RouteContext,
  secret: string | null,
  room: UnsignedRoom,
  lookups: Pick<ChangeLookups, 'afterWebhook'> | null,
): void {
  // Anybody can send here: what the headers alone can tell is told before a body is let in.
  const hooks = { onRequest: headersHook(secret, context.lane), preParsing: roomHook(room) }
  scope.post('/webhooks/github', hooks, async (request, reply) => {
    const body = rawBody(request)
    if (secret === null || !signatureMatches(secret, body, signatureOf(request))) {
      throw new Refusal(
        401,
        'unauthorized',
        'the signature does not match: is the secret of the webhook the configured one?',
      )
    }
    // Names of branches and workflows are not the sender's choice, and GitHub does not repeat what was refused.
    const payload = wellFormed(parseJson(body))
    const mapped = mapGithub(kindOf(request), payload, context.mapping(request))
    if (mapped.kind === 'not_of_interest') {
      context.telemetry.notOfInterest(mapped.reason)
      return reply.code(200).send({ accepted: 0, notOfInterest: mapped.reason })
    }
    const accepted = await context.acceptEvents('github', mapped.events)
    lookups?.afterWebhook(mapped.events, payload)
    return reply.code(202).send(accepted)
  })
}

function roomHook(room: UnsignedRoom): preParsingHookHandler {
  return (_request, reply, payload, done) => {
    done(null, room.admit(payload as Readable, reply.raw))
  }
}

function headersHook(secret: string | null, lane: Lane): onRequestHookHandler {
  return (request, _reply, done) => {
    try {
      if (secret === null) throw new Refusal(404, 'off', GITHUB_OFF)
      signatureOf(request)
      requireJson(request)
      done(lane.refusalOf(announcedBytes(request) ?? 0) ?? undefined)
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
