/** A round of mining: the next set of patterns from the one before and all runs. */
import { clusterFailures } from './clusters.ts'
import { ENVIRONMENT_FIELDS, byName, isOfEnvironments } from './environments.ts'
import { LIVE_FIELDS } from './fields.ts'
import { withHistory } from './history.ts'
import { advance } from './lifecycle.ts'
import type { Pattern } from './lifecycle.ts'
import { SERVICE_RUNS_MIN } from './patternSet.ts'
import type { PatternSet, Subject, SubjectPatterns, SubjectRow } from './patternSet.ts'
import { withFailuresBefore } from './sequences.ts'
import { WINDOW_RUNS_MAX, bestWindows, timedRunOf } from './windows.ts'

export interface Round {
  readonly known: PatternSet
  /** In any order. */
  readonly rows: readonly SubjectRow[]
  readonly now: number
  /** learning.patterns.similarity_threshold */
  readonly similarity: number
  /** learning.training.min_samples: windows of services with fewer runs are not told. */
  readonly runsMin: number
}

const PATTERNS_MAX = 60
const ENVIRONMENT_PATTERNS_MAX = 10
/** Of later runs to those known, as `evaluate -- patterns` holds back. */
const HORIZON = 3 / 7
/** Services with the most runs. */
const SERVICES_MAX = 40
/** Of the latest: distances between all of them are taken. */
const FAILURES_MAX = 600

/** The next set; the same rows and seed give the same. */
export function nextSet({ known, rows, now, similarity, runsMin }: Round, seed: number): PatternSet {
  const next = (subject: Subject): SubjectPatterns => {
    const before = known.subjects[subject]
    const own = rows.filter((row) => row.subject === subject).sort(byStart)
    const failed = own.filter((row) => row.failed).slice(-FAILURES_MAX)
    const { clusters, silhouette } = clusterFailures(failed, before.clusters, similarity, seed)
    return {
      runs: own.length,
      patterns: minedFrom(ofLargeServices(own), before.patterns, now),
      clusters,
      windows: windowsOf(own, runsMin),
      silhouette,
    }
  }
  return { at: now, subjects: { deployment: next('deployment'), ci_run: next('ci_run') } }
}

/** Those of environments are a family of their own: found in other groups of the same runs, and held to their own rate of false ones. */
function minedFrom(rows: readonly SubjectRow[], known: readonly Pattern[], now: number): readonly Pattern[] {
  const [environments, others] = [known.filter(isOfEnvironments), known.filter((one) => !isOfEnvironments(one))]
  const told = withFailuresBefore(withHistory(rows))
  return [
    ...advance(others, told, now, { fields: LIVE_FIELDS, patternsMax: PATTERNS_MAX, horizon: HORIZON }),
    ...advance(environments, byName(rows), now, {
      fields: ENVIRONMENT_FIELDS,
      patternsMax: ENVIRONMENT_PATTERNS_MAX,
      horizon: HORIZON,
    }),
  ]
}

function windowsOf(rows: readonly SubjectRow[], runsMin: number): SubjectPatterns['windows'] {
  const found = [...Map.groupBy(rows, ({ service }) => service)].flatMap(([service, own]) => {
    if (own.length < runsMin) return []
    const windows = bestWindows(own.slice(-WINDOW_RUNS_MAX).map(timedRunOf)) ?? []
    return windows.length === 0 ? [] : [[service, windows] as const]
  })
  return Object.fromEntries(found)
}

/** Ids break ties, so that the order they come in does not matter. */
const byStart = (a: SubjectRow, b: SubjectRow): number => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1)

function ofLargeServices(rows: readonly SubjectRow[]): readonly SubjectRow[] {
  const counts = new Map<string, number>()
  for (const { service } of rows) counts.set(service, (counts.get(service) ?? 0) + 1)
  const large = [...counts]
    .filter(([, count]) => count >= SERVICE_RUNS_MIN)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, SERVICES_MAX)
  const kept = new Set(large.map(([service]) => service))
  return rows.filter(({ service }) => kept.has(service))
}
