import type { FastifyInstance } from 'fastify'
import { accessHook } from '../access.ts'
import { inSlices } from '../inSlices.ts'
import { jsonBody } from '../requestBody.ts'
import { mapAlertmanager } from '../sources/alertmanager.ts'
import type { RouteContext } from './context.ts'

export function addAlertmanagerRoute(scope: FastifyInstance, context: RouteContext): void {
  const { token, lane, room } = context
  scope.post('/webhooks/alertmanager', { onRequest: accessHook(token, lane, room) }, async (request, reply) => {
    const items = await inSlices(mapAlertmanager(jsonBody(request), context.mapping(request)))
    const { refused, ...accepted } = await context.acceptEach('alertmanager', items)
    if (accepted.accepted === 0 && refused[0] !== undefined) throw refused[0].refusal
    return reply.code(202).send(accepted)
  })
}
