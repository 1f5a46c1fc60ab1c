import type { FastifyInstance } from 'fastify'
import { accessHook } from '../access.ts'
import { inSlices } from '../inSlices.ts'
import { jsonBody } from '../requestBody.ts'
import { mapEvents } from '../sources/events.ts'
import type { RouteContext } from './context.ts'

export function addEventsRoute(scope: FastifyInstance, context: RouteContext): void {
  const { token, lane, room } = context
  scope.post('/v1/events', { onRequest: accessHook(token, lane, room) }, async (request, reply) => {
    const events = await inSlices(mapEvents(jsonBody(request), context.eventsPerRequestMax, context.mapping(request)))
    return reply.code(202).send(await context.acceptEvents('events', events))
  })
}
