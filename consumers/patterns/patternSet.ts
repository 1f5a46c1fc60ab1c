/** All that was mined last, by kind of run, and how it is kept as a record. */
import type { FailureCluster } from './clusters.ts'
import type { Pattern } from './lifecycle.ts'
import type { PatternRow } from './row.ts'
import type { DeploymentWindow } from './windows.ts'

export const SUBJECTS = ['deployment', 'ci_run'] as const
export type Subject = (typeof SUBJECTS)[number]

/** A finished run as the engine knows it. */
export interface SubjectRow extends PatternRow {
  readonly id: string
  readonly subject: Subject
  /** What it was and how it ended: conclusion, name, workflow, steps; absent where unknown. */
  readonly end: Readonly<Record<string, string>>
}

export interface SubjectPatterns {
  readonly runs: number
  readonly patterns: readonly Pattern[]
  readonly clusters: readonly FailureCluster[]
  /** Best windows by service, where there are any. */
  readonly windows: Readonly<Record<string, readonly DeploymentWindow[]>>
  /** Of the failed runs; null where nothing was parted. */
  readonly silhouette: number | null
}

export interface PatternSet {
  /** When it was mined, ms. */
  readonly at: number
  readonly subjects: Readonly<Record<Subject, SubjectPatterns>>
}

/** Services with fewer runs are too small to be mined alone. */
export const SERVICE_RUNS_MIN = 40

const NOTHING: SubjectPatterns = { runs: 0, patterns: [], clusters: [], windows: {}, silhouette: null }
export const EMPTY_SET: PatternSet = { at: 0, subjects: { deployment: NOTHING, ci_run: NOTHING } }

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
