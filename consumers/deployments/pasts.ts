/** Reads the past of an attempt's scopes from the engine, in one call. */
import { ROLLING_FIELDS, ROLLING_WIDTH } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { Attempt, Rolling } from '../models/attempt.ts'
import { EMPTY_ROLLING } from '../models/features.ts'
import { SCOPES, scopeKeys } from '../models/scopes.ts'
import type { Scope } from '../models/scopes.ts'

export function readPasts(attempt: Attempt, shard: Pick<ShardDoor, 'rollingRead'>): Readonly<Record<Scope, Rolling>> {
  const keys = scopeKeys(attempt)
  const known = keys.filter((key) => key !== null)
  const numbers = new Float64Array(known.length * ROLLING_WIDTH)
  shard.rollingRead(known, attempt.at, numbers)
  let row = 0
  const pasts = SCOPES.map((scope, i): [Scope, Rolling] => {
    if (keys[i] === null) return [scope, EMPTY_ROLLING]
    return [scope, rollingAt(numbers, row++ * ROLLING_WIDTH)]
  })
  return Object.fromEntries(pasts) as Record<Scope, Rolling>
}

const COUNT = ROLLING_FIELDS.indexOf('count')

function rollingAt(numbers: Float64Array, from: number): Rolling {
  // The engine tells nothing but the count of a scope that it has never seen.
  if (numbers[from + COUNT] === 0) return EMPTY_ROLLING
  return Object.fromEntries(ROLLING_FIELDS.map((field, i) => [field, numbers[from + i] ?? NaN])) as unknown as Rolling
}
