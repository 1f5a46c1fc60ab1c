import type { FastifyInstance } from 'fastify'
import { accessHook } from '../access.ts'
import { tooLarge } from '../refusal.ts'
import { jsonBody } from '../requestBody.ts'
import { mapAlertmanager } from '../sources/alertmanager.ts'
import type { RouteContext } from './context.ts'

export function addAlertmanagerRoute(scope: FastifyInstance, context: RouteContext): void {
  scope.post(
    '/webhooks/alertmanager',
    { onRequest: accessHook(context.token, context.lane) },
    async (request, reply) => {
      const events = mapAlertmanager(jsonBody(request), context.mapping(request))
      if (events.length > context.eventsPerRequestMax) {
        throw tooLarge('alerts', `${events.length}, at most ${context.eventsPerRequestMax} in one request`)
      }
      return reply.code(202).send(await context.acceptEvents('alertmanager', events))
    },
  )
}
