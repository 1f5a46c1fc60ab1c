import type { FastifyInstance } from 'fastify'
import { accessHook } from '../access.ts'
import { inSlices } from '../inSlices.ts'
import { jsonBody } from '../requestBody.ts'
import { mapEvents } from '../sources/events.ts'
import type { Mapping } from '../sources/mapping.ts'
import type { RouteContext } from './context.ts'

const WARNINGS_MAX = 20

export function addEventsRoute(scope: FastifyInstance, context: RouteContext): void {
  const { token, lane, room } = context
  scope.post('/v1/events', { onRequest: accessHook(token, lane, room) }, async (request, reply) => {
    const { mapping, warnings } = heedingEnvironments(context.mapping(request))
    const events = await inSlices(mapEvents(jsonBody(request), context.eventsPerRequestMax, mapping))
    const accepted = await context.acceptEvents('events', events)
    return reply.code(202).send({ ...accepted, ...(warnings.size > 0 ? { warnings: [...warnings] } : {}) })
  })
}

/** The mapping, and what a sender should know of the environments that it was asked for: the log is not theirs to read. */
function heedingEnvironments(mapping: Mapping): { readonly mapping: Mapping; readonly warnings: ReadonlySet<string> } {
  const warnings = new Set<string>()
  const catalog: Mapping['catalog'] = {
    ...mapping.catalog,
    resolve: (names) => {
      const identity = mapping.catalog.resolve(names)
      if (identity.unknownEnvironment && warnings.size < WARNINGS_MAX)
        warnings.add(`environment ${identity.environment} is not in the configuration: treated as development`)
      return identity
    },
  }
  return { mapping: { ...mapping, catalog }, warnings }
}
