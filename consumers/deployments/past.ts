/** Reads what is known of the past of an attempt from the engine. */
import { ROLLING_FIELDS, ROLLING_WIDTH, TIMINGS_MAX } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { Rolling } from '../models/attempt.ts'
import type { Past, Timings } from '../models/past.ts'
import { EMPTY_ROLLING } from '../models/features.ts'
import { bucketOf } from '../models/hash.ts'
import type { RecentStart } from '../models/recent.ts'
import { OUTCOME_SCOPES } from '../models/scopes.ts'
import type { OutcomeScope, ScopeKeys } from '../models/scopes.ts'
import { TIMING_WIDTH } from '../models/timing.ts'

/** `keys`: of the attempt; `at`: when it begins, ms; `recent`: see recentStarts.ts. */
export function readPast(
  { outcomes, starts, size, timings }: ScopeKeys,
  at: number,
  recent: readonly RecentStart[],
  shard: Pick<ShardDoor, 'rollingRead' | 'timingsRead'>,
): Past {
  const asked = [...outcomes, ...starts, size]
  const known = asked.filter((key) => key !== null)
  const numbers = new Float64Array(known.length * ROLLING_WIDTH)
  shard.rollingRead(known, at, numbers)
  let row = 0
  const read = asked.map((key) => (key === null ? EMPTY_ROLLING : rollingAt(numbers, row++ * ROLLING_WIDTH)))
  const byScope = (from: number) =>
    Object.fromEntries(OUTCOME_SCOPES.map((scope, i) => [scope, read[from + i]])) as Record<OutcomeScope, Rolling>
  return {
    outcomes: byScope(0),
    starts: byScope(OUTCOME_SCOPES.length),
    size: read.at(-1) ?? EMPTY_ROLLING,
    recent,
    timings: readTimings(timings, outcomes, shard),
  }
}

const LANE = OUTCOME_SCOPES.indexOf('lane')
const KINDS = OUTCOME_SCOPES.indexOf('kindsActor')
/** Whole numbers that a Float32 holds. */
const DIGESTS = 2 ** 24

function readTimings(key: string, outcomes: ScopeKeys['outcomes'], shard: Pick<ShardDoor, 'timingsRead'>): Timings {
  const numbers = new Float64Array(TIMINGS_MAX * TIMING_WIDTH)
  const digest = (scope: number): number => bucketOf(outcomes[scope] ?? '', DIGESTS)
  return { rows: shard.timingsRead(key, numbers), numbers, lane: digest(LANE), kinds: digest(KINDS) }
}

const COUNT = ROLLING_FIELDS.indexOf('count')

function rollingAt(numbers: Float64Array, from: number): Rolling {
  // The engine tells nothing but the count of a scope that it has never seen.
  if (numbers[from + COUNT] === 0) return EMPTY_ROLLING
  return Object.fromEntries(ROLLING_FIELDS.map((field, i) => [field, numbers[from + i] ?? NaN])) as unknown as Rolling
}
