/** Past attempts of a service with a known outcome, the most similar first. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import type { Attempt } from '../models/attempt.ts'
import { similarity } from '../models/similarity.ts'
import { attemptOf } from './attemptOf.ts'
import type { ZoneOf } from './attemptOf.ts'
import type { DuringMaintenance } from './maintenance.ts'
import { countedOutcome } from './outcome.ts'

export interface PastCase {
  readonly record: DeploymentRecord
  readonly attempt: Attempt
  readonly success: boolean
  /** 0..1 */
  readonly similarity: number
}

/** The newest so many are looked through: some 2 ms. */
const LOOKED_THROUGH = 200

/** Ended before the attempt begins; of equally similar ones the newer first. */
export function pastCases(
  attempt: Attempt,
  shard: Pick<ShardDoor, 'deployments' | 'changeOf'>,
  zoneOf: ZoneOf,
  duringMaintenance: DuringMaintenance,
): readonly PastCase[] {
  const { subject, service, at: to } = attempt
  const open = { environment: null, conclusion: null, from: null, at: null }
  const filter = { ...open, subject, service, state: 'finished' as const, to }
  const records = shard.deployments(filter, LOOKED_THROUGH, null).items
  const cases = records.flatMap((record): PastCase[] => {
    const outcome = countedOutcome(record, duringMaintenance)
    if (outcome === 'censored' || (record.finishedAt ?? record.listedAt) > to) return []
    const past = attemptOf(record, shard, zoneOf, record.listedAt)
    return [{ record, attempt: past, success: outcome === 'success', similarity: similarity(attempt, past) }]
  })
  return cases.sort((a, b) => b.similarity - a.similarity || b.record.listedAt - a.record.listedAt)
}
