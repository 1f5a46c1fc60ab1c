/** All that was mined last, by kind of run, and the round that makes the next set of it. */
import type { PatternRow } from './row.ts'
import { clusterFailures } from './clusters.ts'
import type { FailureCluster } from './clusters.ts'
import { LIVE_FIELDS } from './fields.ts'
import { withHistory } from './history.ts'
import type { Random } from './kmeans.ts'
import { advance } from './lifecycle.ts'
import type { Pattern } from './lifecycle.ts'

export const SUBJECTS = ['deployment', 'ci_run'] as const
export type Subject = (typeof SUBJECTS)[number]

/** A finished run as the engine knows it. */
export interface SubjectRow extends PatternRow {
  readonly id: string
  readonly subject: Subject
  /** What is known of its end: conclusion, names. */
  readonly texts: readonly string[]
}

export interface SubjectPatterns {
  readonly runs: number
  readonly patterns: readonly Pattern[]
  readonly clusters: readonly FailureCluster[]
  /** Of the failed runs; null where nothing was parted. */
  readonly silhouette: number | null
}

export interface PatternSet {
  /** When it was mined, ms. */
  readonly at: number
  readonly subjects: Readonly<Record<Subject, SubjectPatterns>>
}

const PATTERNS_MAX = 60
const HORIZON = 3 / 7
/** Services with the most runs; the others are too small to be mined alone. */
const SERVICES_MAX = 40
const SERVICE_RUNS_MIN = 40
/** Of the latest: distances between all of them are taken. */
const FAILURES_MAX = 1000

const NOTHING: SubjectPatterns = { runs: 0, patterns: [], clusters: [], silhouette: null }
export const EMPTY_SET: PatternSet = { at: 0, subjects: { deployment: NOTHING, ci_run: NOTHING } }

export interface Round {
  readonly known: PatternSet
  /** In any order. */
  readonly rows: readonly SubjectRow[]
  readonly now: number
  /** learning.patterns.similarity_threshold */
  readonly similarity: number
}

/** The next set; the same rows and random numbers give the same. */
export function nextSet({ known, rows, now, similarity }: Round, random: Random): PatternSet {
  const next = (subject: Subject): SubjectPatterns => {
    const before = known.subjects[subject]
    const own = rows.filter((row) => row.subject === subject).sort(byStart)
    const failed = own.filter((row) => row.failed).slice(-FAILURES_MAX)
    const mined = advance(before.patterns, withHistory(ofLargeServices(own)), now, {
      fields: LIVE_FIELDS,
      patternsMax: PATTERNS_MAX,
      horizon: HORIZON,
    })
    return { runs: own.length, patterns: mined, ...clusterFailures(failed, before.clusters, similarity, random) }
  }
  return { at: now, subjects: { deployment: next('deployment'), ci_run: next('ci_run') } }
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

/** As the card of a record. Centroids go as Float32, little endian, base64. */
export function cardOf(set: PatternSet): string {
  return JSON.stringify({ format: FORMAT, ...set }, (_key, value: unknown) =>
    value instanceof Float64Array ? Buffer.from(Float32Array.from(value).buffer).toString('base64') : value,
  )
}

const FORMAT = 'patterns/1'

export class PatternSetInvalid extends Error {
  readonly retryable = false
  constructor(format: unknown) {
    super(`patterns of the format ${String(format)}; this program reads ${FORMAT}`)
    this.name = 'PatternSetInvalid'
  }
}

/** Throws PatternSetInvalid for another format, as a later version may write. */
export function setOfCard(card: string): PatternSet {
  const { format, ...set } = JSON.parse(card, (key, value: unknown) =>
    key === 'centroid' && typeof value === 'string' ? centroidOf(value) : value,
  ) as PatternSet & { readonly format: unknown }
  if (format !== FORMAT) throw new PatternSetInvalid(format)
  return set
}

function centroidOf(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64')
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i))
}
