/**
 * POST /v1/deliveries: what `connect` and `backfill` read of a source, in the shape of its webhooks, mapped by the same code.
 * Each delivery is taken or refused by itself.
 */
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { accessHook } from '../access.ts'
import { inSlices } from '../inSlices.ts'
import { parsePayload, wellFormed } from '../jsonBody.ts'
import { Refusal, tooLarge, type Problem } from '../refusal.ts'
import { jsonBody } from '../requestBody.ts'
import { mapGithub } from '../sources/github.ts'
import { mapGitlab } from '../sources/gitlab.ts'
import { mapJenkins } from '../sources/jenkins.ts'
import type { Mapped, NotOfInterest } from '../sources/mapped.ts'
import type { Mapping, TopicEvent } from '../sources/mapping.ts'
import type { RouteContext } from './context.ts'

const MAPPERS: Readonly<Record<string, (kind: string, payload: unknown, mapping: Mapping) => Mapped>> = {
  github: mapGithub,
  gitlab: mapGitlab,
  jenkins: mapJenkins,
}

const request = z.strictObject({
  source: z.enum(Object.keys(MAPPERS)),
  deliveries: z.array(
    z.strictObject({ kind: z.string().max(64), payload: z.unknown(), backfilled: z.boolean().default(false) }),
  ),
})

type Deliveries = z.output<typeof request>

export interface DeliveriesAnswer {
  readonly accepted: number
  readonly notOfInterest: Partial<Record<NotOfInterest, number>>
  readonly refused: readonly Problem[]
}

interface MappedAll {
  readonly items: readonly { readonly index: number; readonly item: TopicEvent | Refusal }[]
  readonly notOfInterest: DeliveriesAnswer['notOfInterest']
}

export function addDeliveriesRoute(scope: FastifyInstance, context: RouteContext): void {
  const { token, lane, room, telemetry } = context
  scope.post('/v1/deliveries', { onRequest: accessHook(token, lane, room) }, async (raw, reply) => {
    const body = parsePayload(request, wellFormed(jsonBody(raw)))
    const count = body.deliveries.length
    if (count > context.eventsPerRequestMax)
      throw tooLarge('deliveries', `${count} deliveries, at most ${context.eventsPerRequestMax} in one request`)
    const { items, notOfInterest } = await inSlices(mapAll(body, context.mapping(raw)))
    for (const [reason, times] of Object.entries(notOfInterest))
      for (let i = 0; i < times; i += 1) telemetry.notOfInterest(reason as NotOfInterest)
    const { accepted, refused } = await context.acceptEach(
      'deliveries',
      items.map(({ item }) => item),
    )
    const answer: DeliveriesAnswer = {
      accepted,
      notOfInterest,
      refused: refused.map(({ index, refusal }) => problemOf(items[index]?.index ?? index, refusal)),
    }
    return reply.code(202).send(answer)
  })
}

function* mapAll({ source, deliveries }: Deliveries, mapping: Mapping): Generator<undefined, MappedAll> {
  const items: { index: number; item: TopicEvent | Refusal }[] = []
  const notOfInterest: Partial<Record<NotOfInterest, number>> = {}
  for (const [index, { kind, payload, backfilled }] of deliveries.entries()) {
    try {
      const mapped = MAPPERS[source]?.(kind, payload, mapping)
      if (mapped?.kind === 'not_of_interest') notOfInterest[mapped.reason] = (notOfInterest[mapped.reason] ?? 0) + 1
      else for (const event of mapped?.events ?? []) items.push({ index, item: marked(event, backfilled) })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      items.push({ index, item: error })
    }
    yield
  }
  return { items, notOfInterest }
}

const marked = (of: TopicEvent, backfilled: boolean): TopicEvent =>
  of.topic === 'devops.deployments' ? { topic: of.topic, event: { ...of.event, backfilled } } : of

/** As POST /v1/events tells it: field and reason apart. */
function problemOf(index: number, { field, message }: Refusal): Problem {
  const name = field ?? ''
  return { index, field: name, reason: name === '' ? message : message.slice(`${name}: `.length) }
}
