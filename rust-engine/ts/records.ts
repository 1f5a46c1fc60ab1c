/** Shapes that cross the bridge. Every property is present; `null` stands for none. Times are ms since the epoch, UTC. */

export const REGIONS = ['infrastructure_state', 'deployment_history', 'incident_database', 'active_operations'] as const
export type Region = (typeof REGIONS)[number]

export interface EngineOptions {
  /** Bytes of the one anonymous map; must equal the sum of the quotas; a multiple of 4096. */
  readonly poolBytes: number
  readonly quotaBytes: Readonly<Record<Region, number>>
  /** Most bytes a region may borrow from the others' free pages. */
  readonly borrowBytesMax: Readonly<Record<Region, number>>
  readonly shards: number
  /** How much older than the newest sample of its target a sample may be to be kept; an hour when absent. */
  readonly lateWindowMs?: number
  /**
   * 32 random bytes, made at first use with mode 0600, or up to 8 such keys: the first one writes, all of them read. Null
   * or absent: `<snapshot folder>/../keys/snapshot.key`.
   */
  readonly snapshotKeyFile?: string | null
}

/** What goes when a region is full, by kind: docs/eviction.md. */
export const DROPPED_KINDS = [
  'samples', // as they came
  'samples_5m', // five minutes together
  'samples_1h',
  'series',
  'resources',
  'services',
  'ci_runs_successful', // no conclusion that means failure
  'ci_runs_failed',
  'changes',
  'rolling_scopes',
  'deployments',
  'incidents',
  'operations_given_up', // running or open, not heard of for 7 days: kept among those that are over
  'ci_run_scores',
  'deployment_scores',
] as const
export type DroppedKind = (typeof DROPPED_KINDS)[number]

/** What a shard dropped of one kind. */
export interface Dropped {
  readonly kind: DroppedKind
  /** How many since the shard began. */
  readonly records: number
  /** Everything of the kind with a later time is there; null: everything is. */
  readonly until: number | null
}

export interface RegionReport {
  readonly region: Region
  readonly quotaBytes: number
  readonly usedBytes: number
  readonly borrowedBytes: number
  readonly lentBytes: number
  readonly freeBytes: number
  /** Records, samples and series that the loaded shards dropped to make room, since each began. */
  readonly evicted: number
}

/** Pages of one kind of thing in a region of a shard. */
export interface ComponentReport {
  readonly shard: number
  readonly region: Region
  readonly component: string
  /** A page of several kinds counts for the one that has most of it. */
  readonly pages: number
  /** Of its pages and of those of others in which some of it lies: what is not fragmentation. */
  readonly liveBytes: number
}

export interface MemoryReport {
  readonly poolBytes: number
  readonly pageBytes: number
  readonly usedBytes: number
  /** Of free pages that still take memory of the system. */
  readonly idleBytes: number
  /** Used share of the pool, 0..1. */
  readonly utilization: number
  readonly regions: readonly RegionReport[]
  /** The same by kind. */
  readonly dropped: readonly { readonly kind: DroppedKind; readonly region: Region; readonly records: number }[]
  /** Pages owned by each shard that is loaded or being restored; by region in the order of REGIONS. */
  readonly shards: readonly {
    readonly shard: number
    readonly pages: number
    readonly regionPages: readonly number[]
  }[]
  /** As each shard was when `survey` last came to its end. */
  readonly components: readonly ComponentReport[]
}

export type DeploymentState = 'requested' | 'started' | 'finished' | 'rolled_back'

/** A deployment or CI run as known now. */
export interface DeploymentRecord {
  readonly key: string
  readonly subject: 'deployment' | 'ci_run'
  readonly service: string
  readonly environment: string
  readonly source: string
  readonly attempt: number
  readonly state: DeploymentState
  /** Conclusion of the subject once finished (schemas: Conclusion). */
  readonly conclusion: string | null
  readonly name: string | null
  readonly workflow: string | null
  readonly repository: string | null
  readonly branch: string | null
  readonly sha: string | null
  readonly actor: string | null
  readonly trigger: string | null
  readonly pullRequest: boolean | null
  readonly change: ChangeSizeRecord | null
  readonly steps: { readonly total: number; readonly completed: number; readonly failed: number }
  readonly links: readonly string[]
  readonly backfilled: boolean
  readonly requestedAt: number | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
  /** The time by which lists order and windows select: started, else requested, else the earliest event of the attempt. */
  readonly listedAt: number
  /** The attached headline prediction, as given to attachPrediction; null before and after the outcome was scored. */
  readonly prediction: string | null
}

export interface ChangeSizeRecord {
  readonly filesAdded: number | null
  readonly filesDeleted: number | null
  readonly filesModified: number | null
  readonly linesAdded: number | null
  readonly linesDeleted: number | null
  readonly srcFiles: number | null
  readonly docFiles: number | null
  readonly otherFiles: number | null
  readonly dockerfileChanged: boolean | null
  readonly composeChanged: boolean | null
  readonly fileTypes: string | null
}

export interface DeploymentApplied {
  /** False for a repeat or an event that the record is already past: nothing changed. */
  readonly changed: boolean
  /** This event was the first one of its attempt: predict now. Never true for subject `change`. */
  readonly opened: boolean
  /** This event ended its attempt, by a conclusion or rolled back without one: score now. */
  readonly closed: boolean
  /**
   * The attempt that the event speaks of, if it is the latest or still waited for; else the latest. With `closed` it still
   * carries the prediction. Null for subject `change`.
   */
  readonly record: DeploymentRecord | null
  /** An earlier attempt whose end is waited for no longer, with its prediction: censor it. */
  readonly givenUp: DeploymentRecord | null
}

export interface IncidentRecord {
  readonly key: string
  readonly service: string
  readonly environment: string
  readonly source: string
  readonly state: 'firing' | 'acknowledged' | 'resolved'
  readonly title: string
  readonly severity: string | null
  readonly summary: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: number
  readonly acknowledgedAt: number | null
  readonly endsAt: number | null
  readonly generatorUrl: string | null
}

export interface ResourceRecord {
  readonly resource: string
  readonly kind: string
  readonly service: string
  readonly environment: string
  readonly occurredAt: number
  readonly attributes: Readonly<Record<string, string>>
  readonly quantities: Readonly<Record<string, number>>
}

export interface ServiceRecord {
  readonly service: string
  readonly environment: string
  readonly firstSeenAt: number
  readonly lastEventAt: number
  readonly deployments: number
  readonly ciRuns: number
  readonly openIncidents: number
  readonly series: number
}

export interface SeriesInfo {
  /** 128-bit hash of the labels, hex. */
  readonly id: string
  readonly target: string
  readonly service: string
  readonly labels: Readonly<Record<string, string>>
}

/**
 * A condition on a label; one that a series does not have is empty. `=~` and `!~` take a pattern for the whole value, in the
 * syntax of RE2.
 */
export interface Matcher {
  readonly name: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** What was found, in order. `truncated`: there is more, or not all could be looked at. */
export interface Found<T> {
  readonly items: readonly T[]
  readonly truncated: boolean
}

/** `increase` and `rate` (a second) of counters: a fall is a counter that began again at 0 (docs/series.md). */
export type Aggregation = 'last' | 'avg' | 'min' | 'max' | 'sum' | 'count' | 'increase' | 'rate'

/** The points of several series, each oldest first, in the order in which they were asked for. */
export interface RangesRead {
  readonly series: readonly { readonly times: Float64Array; readonly values: Float64Array }[]
  /** False: more than the allowed rows would have had to be read, so that points are missing. */
  readonly isWhole: boolean
  /**
   * Before this time (ms) samples of some series are gone: there the steps were made of buckets of five minutes or of an hour,
   * each counted at its start. Null where all is exact: with samples, and with steps that whole buckets fill.
   */
  readonly coarseUntil: number | null
}

/**
 * A page of a list, newest first; `cursor` is null at the end. `exactFrom`, where a list takes `at`: from when on the page would
 * be exact, what its filter refused included.
 */
export interface Page<T> {
  readonly items: readonly T[]
  readonly cursor: string | null
  readonly exactFrom: number | null
}

/** A record as it was known at a time. */
export interface AsKnown<T> {
  readonly record: T
  /** Null: just so. Else what was known between is not kept whole any more; as known from this time on it is. */
  readonly exactFrom: number | null
}

/** Hours of the week in UTC, from Monday 0:00 = 0, over all time; days since 1970-01-01 in UTC, of the last 13 to 14 months. */
export type Buckets = 'hour_of_week' | 'day'

export interface DeploymentFilter {
  readonly subject: 'deployment' | 'ci_run' | null
  readonly service: string | null
  readonly environment: string | null
  readonly state: DeploymentState | null
  readonly conclusion: string | null
  /** listedAt within [from, to). */
  readonly from: number | null
  readonly to: number | null
  /** As known at this time; null = now. */
  readonly at: number | null
}
export interface IncidentFilter {
  readonly service: string | null
  readonly environment: string | null
  readonly state: 'firing' | 'acknowledged' | 'resolved' | null
  readonly severity: string | null
  readonly from: number | null
  readonly to: number | null
  /** As known at this time; null = now. */
  readonly at: number | null
}

/**
 * Fields of one rolling scope, in the order in which rollingRead writes them. Decay goes by count, not by time: each
 * outcome first multiplies the sums by 2^(-1/halfLife).
 */
export const ROLLING_FIELDS = [
  'count', // outcomes seen
  'failures', // of them failed
  'fastCount', // decayed counts, half-life 5 outcomes
  'fastFailures',
  'slowCount', // decayed counts, half-life 40 outcomes
  'slowFailures',
  'streak', // successes in a row > 0, failures in a row < 0
  'sinceLastMs', // since the last outcome; NaN when none
  'sinceFailureMs', // since the last failure; NaN when none
  'lastFailed', // 1 / 0 / NaN
  'previousFailed', // the one before; 1 / 0 / NaN
  'meanLogDuration', // of ln(1 + seconds), decayed, half-life 10 outcomes; NaN when none
  'varLogDuration',
  'medianDurationS', // of the last 20; NaN when none
  'recentMedianS', // of the last 5
  'durations', // how many durations the median rests on (at most 20)
] as const
export const ROLLING_WIDTH = ROLLING_FIELDS.length

/** Rows that timingsRead gives of a scope, at most. */
export const TIMINGS_MAX = 100

/** Fields of one score, a closed prediction, in the order in which they stand in a row. All but `at` are kept in 32 bits or less. */
export const SCORE_FIELDS = [
  'at', // of the outcome, ms
  'pSuccess',
  'baseRate', // the probability that the smoothed base rate gave then
  'success', // 1 / 0; NaN: ended without an outcome
  'answerClass', // place in the schema's AnswerClass
  'durationP10', // seconds, as foretold; NaN where nothing was
  'durationP50',
  'durationP90',
  'durationS', // as it was; NaN when unknown
  'byModel', // 0: the base rate answered
  'backfilled', // 1 / 0
] as const
export const SCORE_WIDTH = SCORE_FIELDS.length

/** Rows written from the front, and where to go on; null at the end. */
export interface ScoresRead {
  readonly rows: number
  readonly cursor: string | null
}

export interface SnapshotInfo {
  readonly shard: number
  /** Topic to the offset of the next record to apply, as decimal text. */
  readonly offsets: Readonly<Record<string, string>>
  readonly clock: number
  /** Digest of the pages in use: equal for the same pages, not for the same state in other pages. */
  readonly pagesHash: string
  readonly pages: number
  /** Of the manifest and all segments that it names. */
  readonly bytes: number
  /** The manifest. */
  readonly file: string
}

export interface Upkeep {
  /** Something was done, so that more may be due. */
  readonly more: boolean
  /** There was no room for it: it comes again, and had better wait. */
  readonly refused: boolean
  /** Chunks of samples that went into larger ones. */
  readonly chunks: number
  /** Time of the work on the other thread. */
  readonly workMs: number
}

export interface SnapshotWritten extends SnapshotInfo {
  /** What changed since the snapshot that it builds on. */
  readonly writtenPages: number
  readonly writtenBytes: number
  /** Changes that waited because 16 MiB of copies were not written yet, and for how long. */
  readonly waits: number
  readonly waitedMs: number
  readonly waitedMsMax: number
}
