/** Finished runs of a service and how many failed, from the same rolling sums that the models read. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { ROLLING_FIELDS, ROLLING_WIDTH } from '../../rust-engine/ts/records.ts'
import { serviceKey } from '../models/scopes.ts'

const SUBJECTS = ['deployment', 'ci_run'] as const

export interface Outcomes {
  readonly finished: number
  readonly failed: number
  readonly streak: number
  /** Finished and failed of the last days by the times of their ends, today the last; days are those of UTC. */
  readonly lastDays: [number, number][]
}

const DAY_MS = 24 * 60 * 60 * 1000
const DAYS = 7

export function serviceOutcomes(
  service: string,
  shard: ShardDoor,
  now: number,
): Record<(typeof SUBJECTS)[number], Outcomes> {
  const numbers = new Float64Array(SUBJECTS.length * ROLLING_WIDTH)
  shard.rollingRead(
    SUBJECTS.map((subject) => serviceKey(subject, service)),
    now,
    numbers,
  )
  const daysOf = (row: number): [number, number][] => {
    const counts = new Float64Array(2 * DAYS)
    const scope = serviceKey(SUBJECTS[row] ?? SUBJECTS[0], service)
    shard.bucketsRead(scope, 'day', Math.floor(now / DAY_MS) - DAYS + 1, counts)
    return Array.from({ length: DAYS }, (_, day) => [counts[2 * day] ?? 0, counts[2 * day + 1] ?? 0])
  }
  const read = (row: number): Outcomes => {
    const field = (name: (typeof ROLLING_FIELDS)[number]): number => {
      const value = numbers[row * ROLLING_WIDTH + ROLLING_FIELDS.indexOf(name)] ?? 0
      return Number.isNaN(value) ? 0 : value
    }
    return { finished: field('count'), failed: field('failures'), streak: field('streak'), lastDays: daysOf(row) }
  }
  return { deployment: read(0), ci_run: read(1) }
}
