/** Parts that several queries share. */
import * as z from 'zod'

/** A text of a question. Half of a surrogate pair names nothing that is kept, and no store can look it up. */
export const text = (charsMax: number) =>
  z
    .string()
    .max(charsMax)
    .refine((given) => given.isWellFormed(), 'is not well-formed Unicode: it has half of a surrogate pair')

/** The name is whatever a source calls it; the environment is one segment, in any case and by any alias. */
const SERVICE = /^[a-z0-9][a-z0-9._-]{0,63}\/\S(?:.*\S)?$/i

export const service = text(256)
  // Not a pattern: in the schemas that agents read it would cost more words than the description that says the same.
  .refine((name) => SERVICE.test(name), 'expected <environment>/<name>')
  .describe('<environment>/<name>')
export const environment = text(64).min(1).describe('Environment name, e.g. production')
export const time = z.iso.datetime({ offset: true })
export const knownAt = time.optional().describe('As known at this time')
export const limit = z.number().int().min(1).max(100).default(20).describe('Most items to return')
export const cursor = text(4096).optional().describe('nextCursor of the answer before')

/** How current and how whole an answer is. */
export const freshness = z.object({
  /** Everything accepted before this time is in the answer. */
  freshThrough: z.string().nullable(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  completeSince: z.string().nullable(),
})

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable(), ...freshness.shape })
}

export const answerClass = z.enum(['confident', 'uncertain', 'not_enough_evidence'])
export const riskLevel = z.enum(['low', 'medium', 'high', 'critical'])

export const outcomes = z.object({
  finished: z.number().int(),
  failed: z.number().int(),
  streak: z.number().int(),
  lastDays: z.array(z.tuple([z.number(), z.number()])).describe('[finished, failed] by UTC day, today last'),
})

export const deploymentSummary = z.object({
  key: z.string(),
  subject: z.enum(['deployment', 'ci_run']),
  service: z.string(),
  environment: z.string(),
  attempt: z.number().int(),
  state: z.enum(['requested', 'started', 'finished', 'rolled_back']),
  conclusion: z.string().nullable(),
  name: z.string().nullable(),
  workflow: z.string().nullable(),
  branch: z.string().nullable(),
  sha: z.string().nullable(),
  trigger: z.string().nullable(),
  requestedAt: z.string().nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  listedAt: z.string().describe('Lists go by it'),
  links: z.array(z.string()),
})

export const incidentSummary = z.object({
  key: z.string(),
  service: z.string(),
  environment: z.string(),
  state: z.enum(['firing', 'acknowledged', 'resolved']),
  title: z.string(),
  severity: z.string().nullable(),
  startsAt: z.string(),
  endsAt: z.string().nullable(),
})

/** How full a part of the memory is, ascending. */
export const ALERT_LEVELS = ['none', 'notice', 'warning', 'critical'] as const
/** Alerts name a region or this. */
export const POOL = 'pool'
export type AlertLevel = (typeof ALERT_LEVELS)[number]
