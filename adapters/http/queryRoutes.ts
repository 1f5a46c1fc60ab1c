/** The queries over plain HTTP, for people and scripts: GET or POST /api/v1/query/<name>. */
import type { FastifyInstance } from 'fastify'
import { HttpError } from '../../runtime/http/errors.ts'
import type { QueryName } from '../../schemas/queries/queries.ts'
import type { QueryClient } from '../queries/client.ts'
import { QueryFailure, Restoring, type FailureCode } from '../queries/errors.ts'
import { isQuery } from '../queries/inputs.ts'
import { inputFromText } from './queryText.ts'

const STATUS: Readonly<Record<FailureCode, number>> = {
  invalid_input: 400,
  not_found: 404,
  answer_too_large: 422,
  bad_answer: 502,
  unavailable: 503,
  prediction_late: 504,
  restoring: 503,
  busy: 503,
  cancelled: 499,
}

/** An asked prediction is written down: a link or an image in a page must not cause it. */
const POST_ONLY: ReadonlySet<QueryName> = new Set(['predict_deployment'])

export function mountQueries(server: FastifyInstance, client: QueryClient): void {
  server.get<{ Params: { name: string }; Querystring: Record<string, unknown> }>(
    '/api/v1/query/:name',
    async (request, reply) => {
      const name = known(request.params.name)
      if (POST_ONLY.has(name)) {
        throw new HttpError(405, 'post_only', `${name} is asked by POST`, { headers: { allow: 'POST' } })
      }
      return reply.send(await answer(client, name, () => inputFromText(name, request.query)))
    },
  )
  server.post<{ Params: { name: string } }>('/api/v1/query/:name', async (request, reply) => {
    const name = known(request.params.name)
    return reply.send(await answer(client, name, () => request.body ?? {}))
  })
}

function known(name: string): QueryName {
  if (!isQuery(name)) throw new HttpError(404, 'no_such_query', 'there is no query of that name')
  return name
}

async function answer(client: QueryClient, name: QueryName, input: () => unknown): Promise<object> {
  try {
    return await client.ask(name, input())
  } catch (error) {
    throw error instanceof QueryFailure ? httpErrorOf(error) : error
  }
}

function httpErrorOf(error: QueryFailure): HttpError {
  const field = 'field' in error && typeof error.field === 'string' ? { field: error.field } : {}
  const seconds = error instanceof Restoring ? Math.ceil(error.retryAfterSeconds) : 1
  const headers: Record<string, string> = error.retryable ? { 'retry-after': String(seconds) } : {}
  return new HttpError(STATUS[error.code], error.code, error.message, { ...field, headers })
}
