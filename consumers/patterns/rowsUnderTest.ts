/** Made-up runs with effects that are known. */
import { createRandom } from '../models/random.ts'
import type { Pattern } from './lifecycle.ts'
import type { Field, PatternRow } from './row.ts'

export const FIELDS: readonly Field[] = [
  { name: 'hour', kind: 'number' },
  { name: 'lines', kind: 'number' },
  { name: 'branch', kind: 'text' },
  { name: 'pull_request', kind: 'flag' },
  { name: 'file_types', kind: 'texts' },
]

const HOUR_MS = 3_600_000

/** What a run of index `i` has, and the probability that it fails. */
export type Risk = (attributes: Made, i: number, service: string) => number

export interface Made {
  readonly hour: number
  readonly lines: number
  readonly branch: string
  readonly pull_request: boolean
  readonly file_types: readonly string[]
}

export const OPTIONS = { fields: FIELDS, patternsMax: 60, horizon: 3 / 7 }

/** `count` runs of each service, an hour apart, on one clock from 0 on. */
export function madeRows(seed: number, services: readonly string[], count: number, risk: Risk): readonly PatternRow[] {
  const random = createRandom(seed)
  return services.flatMap((service) =>
    Array.from({ length: count }, (_, i): PatternRow => {
      const made: Made = {
        hour: i % 24,
        lines: Math.floor(random() ** 3 * 500),
        branch: ['main', 'next', 'fix'][Math.floor(random() * 3)] ?? 'main',
        pull_request: random() < 0.5,
        file_types: ['ts', 'md', 'rs'].filter(() => random() < 0.4),
      }
      const failed = random() < risk(made, i, service)
      const startedAt = i * HOUR_MS
      return { service, startedAt, finishedAt: startedAt + 600_000, failed, attributes: { ...made } }
    }),
  )
}

export const before = (rows: readonly PatternRow[], runs: number): readonly PatternRow[] =>
  rows.filter(({ startedAt }) => startedAt < runs * HOUR_MS)
export const atRun = (runs: number): number => runs * HOUR_MS

const SHOWN = { effect: 0.2, low: 0.1, high: 0.3, support: 50, p: 0.001 }

/** A confirmed pattern, but for what is told. */
export const patternUnderTest = (told: Partial<Pattern>): Pattern => ({
  id: 'one',
  scope: '*',
  predicate: [{ field: 'lines_added', op: '>', value: 200 }],
  status: 'confirmed',
  since: 1,
  found: SHOWN,
  foundThrough: 1,
  later: { ...SHOWN, effect: 0.15, low: 0.05, support: 40 },
  looks: 1,
  lookedAt: 90,
  evidence: 0.002,
  firstSeen: 0,
  lastSeen: 1,
  ...told,
})
