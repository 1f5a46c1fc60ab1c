/** The attempt of a record, as models see it. */
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { workflowOf } from '../models/attempt.ts'
import type { Attempt } from '../models/attempt.ts'
import { localTime } from './localTime.ts'

/** IANA zone of a service. */
export type ZoneOf = (service: string) => string

/** When the attempt began; `otherwise` where no event told. */
export const startOf = (record: DeploymentRecord, otherwise: number): number =>
  record.startedAt ?? record.requestedAt ?? otherwise

export function attemptOf(
  record: DeploymentRecord,
  shard: Pick<ShardDoor, 'changeOf'>,
  zoneOf: ZoneOf,
  otherwise: number,
): Attempt {
  const at = startOf(record, otherwise)
  return {
    subject: record.subject,
    service: record.service,
    workflow: workflowOf(record),
    branch: record.branch,
    actor: record.actor,
    trigger: record.trigger,
    pullRequest: record.pullRequest,
    sha: record.sha,
    change: record.change ?? (record.sha === null ? null : shard.changeOf(record.service, record.sha)),
    attempt: record.attempt,
    at,
    ...localTime(at, zoneOf(record.service)),
  }
}
