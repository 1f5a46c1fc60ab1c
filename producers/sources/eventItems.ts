/** The shape of an item of POST /v1/events; README.md has the examples. Unknown fields are refused, since they are typos. */
import * as z from 'zod'
import { changeSize } from '../../schemas/changes/changeSize.ts'
import { ENVIRONMENT_CHARS_MAX } from '../../runtime/configuration/schema.ts'

const INT_MAX = 0x7fffffff
/** Times of the Avro schema that are also valid dates: the years 1970 to 9999. */
const TIME_MS_MAX = 253_402_300_799_999

export const ENVIRONMENT = new RegExp(`^[a-z0-9][a-z0-9._-]{0,${ENVIRONMENT_CHARS_MAX - 1}}$`, 'i')
export const ENVIRONMENT_RULE = `an environment starts with a letter or digit and has letters, digits and . _ - alone, at most ${ENVIRONMENT_CHARS_MAX}`

const name = z.string().min(1).max(512)
const longText = z.string().max(64 * 1024)
const flag = z.boolean().nullable().default(null)
const optionalName = name.nullable().default(null)

export const time = z.union(
  [z.int().min(0).max(TIME_MS_MAX), z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))],
  'expected milliseconds since 1970 or ISO 8601 with a time zone',
)

const labelMap = z
  .record(z.string().min(1).max(256), z.string().max(8192))
  .refine((map) => Object.keys(map).length <= 128, {
    message: 'at most 128 entries',
  })

const names = z.strictObject({
  otelServiceName: name.optional(),
  kubernetes: z
    .strictObject({ instance: name.optional(), name: name.optional(), workload: name.optional() })
    .optional(),
  prometheus: z.strictObject({ service: name.optional(), job: name.optional() }).optional(),
  repository: name.optional(),
  workflow: name.optional(),
  path: name.optional(),
})

/** What every item has: its type, who it is about (a service, or names for the catalog), and when it happened. */
const envelope = {
  id: name.optional(),
  occurredAt: time.optional(),
  source: z.enum(['events', 'demo']).default('events'),
  service: name.optional(),
  names: names.optional(),
  environment: z.string().regex(ENVIRONMENT, ENVIRONMENT_RULE).optional(),
  trace: z.string().max(256).nullable().default(null),
}

const step = z.strictObject({
  key: name,
  name,
  kind: z.enum(['job', 'check', 'status']),
  state: z.enum(['queued', 'in_progress', 'waiting', 'completed']),
})

const CONCLUSIONS = [
  'success',
  'failure',
  'error',
  'timeout',
  'cancelled',
  'skipped',
  'neutral',
  'action_required',
  'stale',
  'inactive',
] as const

const deploymentItem = z.strictObject({
  type: z.literal('deployment'),
  ...envelope,
  subject: z.enum(['deployment', 'ci_run', 'change']).optional(),
  phase: z.enum(['requested', 'started', 'step', 'finished', 'rolled_back', 'changed']),
  key: name,
  attempt: z.int().min(1).max(INT_MAX).default(1),
  conclusion: z.enum(CONCLUSIONS).nullable().default(null),
  name: optionalName,
  workflow: optionalName,
  repository: optionalName,
  branch: optionalName,
  sha: optionalName,
  /** A person's name; stored as a pseudonym. */
  actor: optionalName,
  trigger: optionalName,
  pullRequest: flag,
  change: changeSize.nullable().default(null),
  step: step.nullable().default(null),
  links: z.array(name).max(64).default([]),
  backfilled: z.boolean().default(false),
})

const incidentItem = z.strictObject({
  type: z.literal('incident'),
  ...envelope,
  phase: z.enum(['firing', 'acknowledged', 'resolved']),
  key: name,
  title: z.string().min(1).max(2048),
  severity: optionalName,
  summary: longText.default(''),
  description: longText.default(''),
  labels: labelMap.default({}),
  annotations: labelMap.default({}),
  startsAt: time.optional(),
  endsAt: time.nullable().default(null),
  generatorUrl: z.string().max(8192).nullable().default(null),
})

const infrastructureItem = z.strictObject({
  type: z.literal('infrastructure'),
  ...envelope,
  resource: z.string().min(1).max(1024),
  kind: z.enum(['workload', 'node', 'volume', 'quota', 'cloud_resource', 'other']),
  deleted: z.boolean().default(false),
  attributes: labelMap.default({}),
  quantities: z.record(z.string().min(1).max(256), z.number()).default({}),
})

export const eventItem = z
  .discriminatedUnion('type', [deploymentItem, incidentItem, infrastructureItem], {
    error: 'expected an object whose type is deployment, incident or infrastructure',
  })
  .superRefine((item, context) => {
    const problem = (field: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [field], message })
    }
    if (item.service === undefined && !hasNames(item))
      problem('service', 'give service, or names for the catalog to map')
    if (item.type === 'deployment') checkDeployment(item, problem)
  })

export type EventItem = z.output<typeof eventItem>
export type DeploymentItem = Extract<EventItem, { type: 'deployment' }>
export type IncidentItem = Extract<EventItem, { type: 'incident' }>
export type InfrastructureItem = Extract<EventItem, { type: 'infrastructure' }>

function hasNames(item: EventItem): boolean {
  const told = Object.values(item.names ?? {}).some(
    (part) => part !== undefined && (typeof part === 'string' || Object.keys(part).length > 0),
  )
  return told || (item.type === 'deployment' && item.repository !== null)
}

function checkDeployment(
  item: z.output<typeof deploymentItem>,
  problem: (field: string, message: string) => void,
): void {
  const ends = item.phase === 'finished'
  if (ends && item.conclusion === null) problem('conclusion', 'phase finished needs a conclusion')
  if (!ends && item.phase !== 'step' && item.conclusion !== null) {
    problem('conclusion', 'only phases finished and step have a conclusion')
  }
  if ((item.phase === 'step') !== (item.step !== null)) problem('step', 'given with phase step, and only then')
  if (item.subject !== undefined && (item.phase === 'changed') !== (item.subject === 'change')) {
    problem('subject', 'phase changed belongs to subject change, and only to it')
  }
}
