/**
 * The feature set: an attempt and the past of its scopes become FEATURES numbers, finite, rounded to Float32.
 * Training, serving and evaluation all read this one function. A change of meaning or order takes a new version.
 * The last ID_FEATURES numbers are bucket numbers of hashed names (expanded to one-hot by the network), the others plain numbers.
 */
import type { Attempt, Rolling } from './attempt.ts'
import type { Past, Timings } from './past.ts'
import { BASE_PRIOR, smoothedFailure } from './baseRate.ts'
import { changeLines } from './change.ts'
import { bucketOf } from './hash.ts'
import { recentPart } from './recent.ts'
import { OUTCOME_SCOPES } from './scopes.ts'
import type { OutcomeScope } from './scopes.ts'

export const FEATURE_SET = 'attempt/2'

/** Buckets of each hashed name, in the order of the last features. */
export const ID_FEATURES = [
  { name: 'id.service', buckets: 32 },
  { name: 'id.workflow', buckets: 32 },
  { name: 'id.branch', buckets: 32 },
  { name: 'id.actor', buckets: 64 },
] as const

const TYPE_BUCKETS = 16
const HOUR_MS = 3_600_000
/** Ages beyond this tell no more. */
const AGE_HOURS_MAX = 24 * 60
/** Runs of pooled belief that a scope borrows from its service before its own past speaks. */
const BORROWED_RUNS = 2
/** Usual durations that a run may seem to take. */
const SPAN_MAX = 3

const finite = (value: number, otherwise: number): number => (Number.isFinite(value) ? value : otherwise)
const logit = (p: number): number => Math.log(p / (1 - p))
const signedLog = (value: number): number => Math.sign(value) * Math.log1p(Math.abs(value))
const age = (ms: number): number =>
  Math.log1p(Math.min(Math.max(finite(ms / HOUR_MS, AGE_HOURS_MAX), 0), AGE_HOURS_MAX))
/** Known and failed 1, known and passed −1, unknown 0. */
const sign = (flag: number): number => (Number.isNaN(flag) ? 0 : flag > 0 ? 1 : -1)
const flag = (value: boolean | null): number => (value === null ? 0 : value ? 1 : -1)
const size = (value: number | null): number => (value === null ? 0 : Math.log1p(Math.max(value, 0)))

type Named = readonly (readonly [name: string, value: number])[]

function outcomePart(scope: OutcomeScope, past: Rolling, starts: Rolling, service: Belief): Named {
  const fast = (past.fastFailures + BORROWED_RUNS * service.rate) / (past.fastCount + BORROWED_RUNS)
  const slow = (past.slowFailures + BORROWED_RUNS * service.rate) / (past.slowCount + BORROWED_RUNS)
  // An end without an outcome counts as a start of its own that failed: it and the one that it ended have no outcome to wait for.
  const pending = Math.max(starts.count - 2 * starts.failures - past.count, 0)
  const span = Math.max(starts.sinceLastMs, 0) / service.usualMs
  return [
    [`${scope}.fast`, logit(fast)],
    [`${scope}.slow`, logit(slow)],
    [`${scope}.count`, Math.log1p(past.count)],
    [`${scope}.last`, sign(past.lastFailed)],
    [`${scope}.previous`, sign(past.previousFailed)],
    [`${scope}.streak`, signedLog(past.streak)],
    [`${scope}.sinceLast`, age(past.sinceLastMs)],
    [`${scope}.sinceFailure`, age(past.sinceFailureMs)],
    [`${scope}.pending`, Math.log1p(pending)],
    [`${scope}.sinceStart`, age(starts.sinceLastMs)],
    [`${scope}.span`, pending > 0 && Number.isFinite(span) ? Math.min(span, SPAN_MAX) : -1],
  ]
}

/** What a scope borrows from its service. */
interface Belief {
  /** Smoothed share of failures. */
  readonly rate: number
  /** Median duration, ms; NaN when unknown. */
  readonly usualMs: number
}

function durationPart({ outcomes }: Past): Named {
  const reference = durationReference(outcomes)
  const log = reference === null ? 0 : Math.log1p(reference)
  const against = (scope: OutcomeScope): Named => {
    const past = outcomes[scope]
    const known = past.durations > 0 && reference !== null
    return [
      [`duration.${scope}.median`, known ? Math.log1p(past.medianDurationS) - log : 0],
      [`duration.${scope}.mean`, known ? finite(past.meanLogDuration, log) - log : 0],
    ]
  }
  return [
    ['duration.known', reference === null ? 0 : 1],
    ['duration.reference', log],
    ['duration.spread', Math.sqrt(Math.max(finite(outcomes.service.varLogDuration, 0), 0))],
    ...OUTCOME_SCOPES.filter((scope) => scope !== 'workflow' && scope !== 'order').flatMap(against),
  ]
}

/** Running median, seconds, of the narrowest scope with a few durations; null when nothing is known. */
export function durationReference(outcomes: Past['outcomes']): number | null {
  for (const scope of ['trigger', 'workflow', 'service'] as const) {
    const past = outcomes[scope]
    if (past.durations >= (scope === 'service' ? 1 : 5) && Number.isFinite(past.medianDurationS)) {
      return past.medianDurationS
    }
  }
  return null
}

function changePart(attempt: Attempt, past: Rolling): Named {
  const change = attempt.change
  const lines = changeLines(change)
  const spread = Math.sqrt(Math.max(finite(past.varLogDuration, 0), 0)) + 0.5
  const rank = lines === null ? 0 : (Math.log1p(lines) - finite(past.meanLogDuration, Math.log1p(lines))) / spread
  const [src, doc, other] = [change?.srcFiles ?? 0, change?.docFiles ?? 0, change?.otherFiles ?? 0]
  const files = src + doc + other
  return [
    ['change.known', lines === null ? 0 : 1],
    ['change.lines', size(lines)],
    ['change.rank', rank],
    ['change.filesAdded', size(change?.filesAdded ?? null)],
    ['change.filesDeleted', size(change?.filesDeleted ?? null)],
    ['change.filesModified', size(change?.filesModified ?? null)],
    ['change.linesAdded', size(change?.linesAdded ?? null)],
    ['change.linesDeleted', size(change?.linesDeleted ?? null)],
    ['change.src', size(src)],
    ['change.doc', size(doc)],
    ['change.other', size(other)],
    ['change.srcShare', files > 0 ? src / files : 0],
    ['change.docShare', files > 0 ? doc / files : 0],
    ['change.dockerfile', flag(change?.dockerfileChanged ?? null)],
    ['change.compose', flag(change?.composeChanged ?? null)],
    ...typesPart(change?.fileTypes ?? null),
  ]
}

function typesPart(fileTypes: string | null): Named {
  const types = new Float64Array(TYPE_BUCKETS)
  const endings = fileTypes === null ? [] : fileTypes.split(/\s+/u).filter((ending) => ending !== '')
  for (const ending of endings) types[bucketOf(ending, TYPE_BUCKETS)] = 1
  return [
    ['types.count', Math.log1p(endings.length)],
    ...Array.from(types, (value, i) => [`types.${i}`, value] as const),
  ]
}

const MAIN_BRANCHES = new Set(['main', 'master', 'trunk', 'develop'])

function contextPart(attempt: Attempt): Named {
  const hour = (2 * Math.PI * attempt.hour) / 24
  const day = (2 * Math.PI * (attempt.weekday + attempt.hour / 24)) / 7
  return [
    ['time.hourSin', Math.sin(hour)],
    ['time.hourCos', Math.cos(hour)],
    ['time.hourSin2', Math.sin(2 * hour)],
    ['time.hourCos2', Math.cos(2 * hour)],
    ['time.daySin', Math.sin(day)],
    ['time.dayCos', Math.cos(day)],
    ['time.weekend', attempt.weekday >= 5 ? 1 : 0],
    ['context.pullRequest', flag(attempt.pullRequest)],
    ['context.mainBranch', attempt.branch !== null && MAIN_BRANCHES.has(attempt.branch) ? 1 : 0],
    ['context.attempt', Math.log(Math.max(attempt.attempt, 1))],
  ]
}

function idPart(attempt: Attempt): Named {
  const { service, workflow, branch, actor } = attempt
  const names = [service, `${service}|${workflow ?? '-'}`, `${service}|${branch ?? '-'}`, `${service}|${actor ?? '-'}`]
  return ID_FEATURES.map(({ name, buckets }, i) => [name, bucketOf(names[i] ?? '', buckets)] as const)
}

function named(attempt: Attempt, past: Past): Named {
  const { service } = past.outcomes
  const usualMs = service.medianDurationS * 1000
  const belief = { rate: smoothedFailure(service, BASE_PRIOR), usualMs }
  return [
    ...OUTCOME_SCOPES.flatMap((scope) => outcomePart(scope, past.outcomes[scope], past.starts[scope], belief)),
    ...recentPart(attempt, past.recent, usualMs > 0 ? usualMs : null),
    ...durationPart(past),
    ...changePart(attempt, past.size),
    ...contextPart(attempt),
    ...idPart(attempt),
  ]
}

export const EMPTY_ROLLING: Rolling = {
  count: 0,
  failures: 0,
  fastCount: 0,
  fastFailures: 0,
  slowCount: 0,
  slowFailures: 0,
  streak: 0,
  sinceLastMs: NaN,
  sinceFailureMs: NaN,
  lastFailed: NaN,
  previousFailed: NaN,
  meanLogDuration: NaN,
  varLogDuration: NaN,
  medianDurationS: NaN,
  recentMedianS: NaN,
  durations: 0,
}

const nothing = {
  subject: 'deployment',
  service: '',
  workflow: null,
  branch: null,
  actor: null,
  trigger: null,
  pullRequest: null,
  sha: null,
  change: null,
  attempt: 1,
  at: 0,
  hour: 0,
  weekday: 0,
} as const satisfies Attempt
const nowhere = Object.fromEntries(OUTCOME_SCOPES.map((scope) => [scope, EMPTY_ROLLING])) as Record<
  OutcomeScope,
  Rolling
>
const NO_TIMINGS: Timings = { rows: 0, numbers: new Float64Array(), lane: 0, kinds: 0 }
export const NO_PAST: Past = {
  outcomes: nowhere,
  starts: nowhere,
  size: EMPTY_ROLLING,
  recent: [],
  timings: NO_TIMINGS,
}

export const FEATURE_NAMES: readonly string[] = named(nothing, NO_PAST).map(([name]) => name)
export const FEATURES = FEATURE_NAMES.length
/** Plain numbers come first, bucket numbers last. */
export const NUMERIC_FEATURES = FEATURES - ID_FEATURES.length

/** FEATURES finite numbers; `past` as seen at the start of the attempt. */
export function featuresOf(attempt: Attempt, past: Past): Float32Array {
  return Float32Array.from(named(attempt, past), ([, value]) => finite(value, 0))
}
