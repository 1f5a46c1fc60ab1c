/**
 * What the trainer tells an operator of its models, and takes from one: GET /v1/models, GET /v1/models/<model>/cards/<version>, POST
 * /v1/models/<model>/rollback. Errors: { error: { code, message } } with 400, 403 (not from this machine), 404, 409 (nothing to roll
 * back to), 503 (not ready).
 */
import * as z from 'zod'

export const modelStates = z.object({
  models: z.array(
    z.object({
      model: z.string(),
      answering: z.string().describe('A version, or base-rate'),
      versions: z.array(
        z.object({
          stage: z.enum(['champion', 'challenger', 'previous']),
          version: z.string(),
          since: z.string(),
          cause: z.string().nullable(),
          rows: z.number().nullable().describe('Scored rows it learnt from'),
          from: z.string().nullable(),
          to: z.string().nullable(),
        }),
      ),
    }),
  ),
})
export type ModelStates = z.output<typeof modelStates>

/** Digits enough to tell versions apart. */
export const cardInput = z.object({
  model: z.string(),
  version: z.string().regex(/^[0-9a-f]{8,64}$/, 'must be the first 8 or more digits of a version'),
})

export const rollbackInput = z.strictObject({
  to: z
    .string()
    .regex(/^([0-9a-f]{8,64}|base-rate)$/, 'must be the first 8 or more digits of a version, or base-rate')
    .nullable()
    .default(null),
})

export const rollbackAnswer = z.object({
  model: z.string(),
  from: z.string(),
  to: z.string(),
  changed: z.boolean(),
})
export type RollbackAnswer = z.output<typeof rollbackAnswer>
