/** The newest starts of a service before an attempt, from the records of the engine. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import { workflowOf } from '../models/attempt.ts'
import type { Attempt } from '../models/attempt.ts'
import { RECENT_MAX } from '../models/recent.ts'
import type { RecentStart, StartOutcome } from '../models/recent.ts'
import type { DuringMaintenance } from './maintenance.ts'
import { countedOutcome } from './outcome.ts'

/**
 * Newest first. `key`: of the attempt itself, null for one that has none yet. Of the same moment those count whose key comes before:
 * so it does not matter which of them the log had first.
 */
export function recentStarts(
  attempt: Attempt,
  key: string | null,
  shard: Pick<ShardDoor, 'deployments' | 'changeOf'>,
  duringMaintenance: DuringMaintenance,
): readonly RecentStart[] {
  const { subject, service, at } = attempt
  const open = { environment: null, state: null, conclusion: null, from: null, at: null }
  const filter = { ...open, subject, service, to: at + 1 }
  const page = shard.deployments(filter, RECENT_MAX + 1, null).items
  const before = page.filter(
    (record) => record.key !== key && (record.listedAt < at || key === null || record.key < key),
  )
  return before.slice(0, RECENT_MAX).map((record) => startOf(record, shard, duringMaintenance))
}

function startOf(
  record: DeploymentRecord,
  shard: Pick<ShardDoor, 'changeOf'>,
  duringMaintenance: DuringMaintenance,
): RecentStart {
  const { branch, actor, trigger, pullRequest, sha, service, listedAt } = record
  return {
    workflow: workflowOf(record),
    branch,
    actor,
    trigger,
    pullRequest,
    sha,
    at: listedAt,
    outcome: outcomeSince(record, duringMaintenance),
    get change() {
      return record.change ?? (sha === null ? null : shard.changeOf(service, sha))
    },
  }
}

function outcomeSince(record: DeploymentRecord, duringMaintenance: DuringMaintenance): StartOutcome {
  const { state } = record
  return state === 'requested' || state === 'started' ? 'running' : countedOutcome(record, duringMaintenance)
}
