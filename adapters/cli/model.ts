/** Models from the command line of the trainer's machine: what is kept, its cards, and the way back to the version before. */
import * as z from 'zod'
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { urlOf } from '../../runtime/http/urlOf.ts'
import { modelStates, rollbackAnswer } from '../../schemas/models.ts'

/** The trainer cannot be asked, or refuses. */
export class ModelCommandFailed extends Error {
  readonly retryable: boolean
  readonly code: string
  constructor(code: string, message: string, retryable: boolean) {
    super(message)
    this.name = 'ModelCommandFailed'
    this.code = code
    this.retryable = retryable
  }
}

const ANSWER_MS_MAX = 15_000
const SHORT = 12

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }) })

export async function listModels(configuration: Configuration): Promise<string> {
  const { models } = await ask(configuration, '/v1/models', {}, modelStates)
  const lines = models.flatMap(({ model, answering, versions }) => [
    `${model}: ${short(answering)} answers`,
    ...versions.map(({ stage, version, since, cause, rows, from, to }) => {
      const learnt = rows === null ? '' : `; learnt from ${rows} outcomes, ${from ?? '?'} to ${to ?? '?'}`
      return `  ${stage.padEnd(10)} ${short(version)}  since ${since}${cause === null ? '' : ` (${cause})`}${learnt}`
    }),
  ])
  return `${lines.join('\n')}\n`
}

/** `version`: a start of it is enough. */
export async function showCard(configuration: Configuration, model: string, version: string): Promise<string> {
  const path = `/v1/models/${encodeURIComponent(model)}/cards/${encodeURIComponent(version)}`
  return `${JSON.stringify(await ask(configuration, path, {}, z.record(z.string(), z.unknown())), null, 2)}\n`
}

export async function rollBackModel(configuration: Configuration, model: string, to: string | null): Promise<string> {
  const body = JSON.stringify({ to })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  const done = await ask(configuration, `/v1/models/${encodeURIComponent(model)}/rollback`, init, rollbackAnswer)
  if (!done.changed) return `${model}: unchanged, ${short(done.to)} answers already\n`
  return `${model}: ${short(done.to)} answers; ${short(done.from)} answered before\n`
}

const short = (version: string): string => version.slice(0, SHORT)

async function ask<Value>(
  { trainer }: Configuration,
  path: string,
  init: RequestInit,
  schema: z.ZodType<Value>,
): Promise<Value> {
  const base = urlOf(trainer)
  let response: Response
  let body: unknown
  try {
    response = await fetch(base + path, { ...init, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    body = await response.json()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ModelCommandFailed('trainer_unreachable', `the trainer does not answer at ${base}: ${reason}`, true)
  }
  if (response.ok) return schema.parse(body)
  const told = refusal.safeParse(body)
  const { code, message, retryable } = told.success
    ? told.data.error
    : { code: 'bad_answer', message: `status ${response.status}`, retryable: false }
  throw new ModelCommandFailed(code, message, retryable)
}
