/** A finished attempt as a row for patterns: by the names of LIVE_FIELDS. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import type { Attempt } from '../models/attempt.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import type { Value } from '../patterns/row.ts'
import { attemptOf } from './attemptOf.ts'
import type { DeploymentDeps } from './handler.ts'
import { countedOutcome } from './outcome.ts'

/** Null for one that has no outcome, or none that counts (cancelled, gated, during maintenance). */
export function patternRowOf(
  record: DeploymentRecord,
  shard: Pick<ShardDoor, 'changeOf'>,
  { zoneOf, duringMaintenance }: Pick<DeploymentDeps, 'zoneOf' | 'duringMaintenance'>,
): SubjectRow | null {
  const outcome = countedOutcome(record, duringMaintenance)
  if (record.finishedAt === null || outcome === 'censored') return null
  const attempt = attemptOf(record, shard, zoneOf, record.listedAt)
  const { conclusion, name, workflow, steps } = record
  return {
    id: `${record.key} ${record.attempt}`,
    subject: record.subject,
    service: record.service,
    startedAt: attempt.at,
    finishedAt: Math.max(record.finishedAt, attempt.at),
    failed: outcome === 'failed',
    end: known({ conclusion, name, workflow, steps: steps.failed > 0 ? 'failed' : null }),
    attributes: attributesOf(attempt),
  }
}

const known = (texts: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== null))

function attributesOf({ change, ...attempt }: Attempt): Readonly<Record<string, Value>> {
  const types = change?.fileTypes ?? null
  return {
    hour: Math.floor(attempt.hour),
    weekday: attempt.weekday,
    attempt: attempt.attempt,
    branch: attempt.branch,
    actor: attempt.actor,
    workflow: attempt.workflow,
    trigger: attempt.trigger,
    pull_request: attempt.pullRequest,
    files_added: change?.filesAdded ?? null,
    files_deleted: change?.filesDeleted ?? null,
    files_modified: change?.filesModified ?? null,
    lines_added: change?.linesAdded ?? null,
    lines_deleted: change?.linesDeleted ?? null,
    src_files: change?.srcFiles ?? null,
    doc_files: change?.docFiles ?? null,
    other_files: change?.otherFiles ?? null,
    dockerfile_changed: change?.dockerfileChanged ?? null,
    compose_changed: change?.composeChanged ?? null,
    file_types: types === null ? null : types.split(/\s+/u).filter((ending) => ending !== ''),
  }
}
