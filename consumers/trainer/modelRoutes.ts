/** What an operator sees of the models, and the one thing to be done about them: a rollback. For this machine only. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type * as z from 'zod'
import { HttpError } from '../../runtime/http/errors.ts'
import { isLoopback } from '../../runtime/http/isLoopback.ts'
import { firstProblem } from '../../runtime/input/problem.ts'
import { cardInput, rollbackInput } from '../../schemas/models.ts'
import type { ModelStates, RollbackAnswer } from '../../schemas/models.ts'
import { BASE_RATE_VERSION } from '../models/predict.ts'
import type { ModelCard } from './card.ts'
import type { Course } from './course.ts'
import { SLOTS } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { NothingToRollBackTo } from './slots.ts'
import type { Placed } from './slots.ts'

export interface ModelRoutesOptions {
  readonly courses: readonly Course[]
  /** False until the slots and the outcomes of before are read. */
  readonly isReady: () => boolean
  readonly now: () => number
  readonly publish: (records: readonly ModelOutgoing[]) => Promise<void>
  /** What was decided could not be written: the process has to read anew what holds. */
  readonly onUnwritten: (error: unknown) => void
}

interface OfModel {
  Params: { model: string }
}
interface OfVersion {
  Params: { model: string; version: string }
}

export function addModelRoutes(server: FastifyInstance, options: ModelRoutesOptions): void {
  const { courses, isReady, now, publish, onUnwritten } = options
  const courseOf = (model: string): Course => {
    const found = courses.find((course) => course.model === model)
    if (found === undefined)
      throw new HttpError(
        404,
        'not_found',
        `there is no model ${model}; known are ${courses.map((c) => c.model).join(', ')}`,
      )
    return found
  }
  const checkAccess = (request: FastifyRequest): void => {
    if (!isLoopback(request.socket.remoteAddress))
      throw new HttpError(403, 'forbidden', 'models are shown and rolled back from the machine of the trainer only')
    if (!isReady())
      throw new HttpError(503, 'not_ready', 'the trainer still reads what holds', { headers: { 'retry-after': '1' } })
  }
  server.get('/v1/models', (request): ModelStates => {
    checkAccess(request)
    return { models: courses.map(stateOf) }
  })
  server.get<OfVersion>('/v1/models/:model/cards/:version', (request): unknown => {
    checkAccess(request)
    const { model, version } = checked(cardInput, request.params)
    const course = courseOf(model)
    const placed = SLOTS.map((slot) => course.holder(slot)).find((each) => each?.version.startsWith(version))
    if (placed === null || placed === undefined)
      throw new HttpError(404, 'not_found', `version ${version} of ${model} is not kept`)
    return JSON.parse(placed.card)
  })
  server.post<OfModel>('/v1/models/:model/rollback', async (request): Promise<RollbackAnswer> => {
    checkAccess(request)
    const { model } = request.params
    const course = courseOf(model)
    // A page of another port of this machine can post without a body and ask nobody; JSON it cannot.
    const { to } = checked(rollbackInput, request.body)
    const { records, ...done } = rolledBack(course, to, now())
    try {
      await publish(records)
    } catch (error) {
      onUnwritten(error)
      throw error
    }
    return { model, ...done }
  })
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const input = schema.safeParse(value)
  if (input.success) return input.data
  const { field, reason } = firstProblem(input.error, value)
  throw new HttpError(400, 'invalid_input', reason, { field })
}

function rolledBack(course: Course, to: string | null, now: number) {
  try {
    return course.rollBack(to, now)
  } catch (error) {
    if (error instanceof NothingToRollBackTo) throw new HttpError(409, 'nothing_to_roll_back_to', error.message)
    throw error
  }
}

function stateOf(course: Course): ModelStates['models'][number] {
  return {
    model: course.model,
    answering: course.holder('champion')?.version ?? BASE_RATE_VERSION,
    versions: SLOTS.flatMap((stage) => {
      const placed = course.holder(stage)
      return placed === null ? [] : [{ stage, ...summaryOf(placed) }]
    }),
  }
}

function summaryOf({ version, since, cause, card }: Placed) {
  const { learnt } = JSON.parse(card) as Partial<ModelCard>
  return {
    version,
    since: new Date(since).toISOString(),
    cause,
    rows: learnt?.rows ?? null,
    from: learnt?.from ?? null,
    to: learnt?.to ?? null,
  }
}
