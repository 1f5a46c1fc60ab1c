/** Finished runs of a service and how many failed, from the same rolling sums that the models read. */
import assert from 'node:assert/strict'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { ROLLING_FIELDS, ROLLING_WIDTH } from '../../rust-engine/ts/records.ts'
import { scopeKeys, SCOPES } from '../models/scopes.ts'

const SERVICE_SCOPE = SCOPES.indexOf('service')
const SUBJECTS = ['deployment', 'ci_run'] as const

export interface Outcomes {
  readonly finished: number
  readonly failed: number
  readonly streak: number
}

export function serviceOutcomes(
  service: string,
  shard: ShardDoor,
  now: number,
): Record<(typeof SUBJECTS)[number], Outcomes> {
  const numbers = new Float64Array(SUBJECTS.length * ROLLING_WIDTH)
  shard.rollingRead(
    SUBJECTS.map((subject) => serviceScope(subject, service)),
    now,
    numbers,
  )
  const read = (row: number): Outcomes => {
    const field = (name: (typeof ROLLING_FIELDS)[number]): number => {
      const value = numbers[row * ROLLING_WIDTH + ROLLING_FIELDS.indexOf(name)] ?? 0
      return Number.isNaN(value) ? 0 : value
    }
    return { finished: field('count'), failed: field('failures'), streak: field('streak') }
  }
  return { deployment: read(0), ci_run: read(1) }
}

/** The key of the whole service; it rests on nothing else of an attempt. */
function serviceScope(subject: (typeof SUBJECTS)[number], service: string): string {
  const unknown = {
    workflow: null,
    branch: null,
    actor: null,
    trigger: null,
    pullRequest: null,
    sha: null,
    change: null,
  }
  const key = scopeKeys({ subject, service, ...unknown, attempt: 1, at: 0, hour: 0, weekday: 0 })[SERVICE_SCOPE]
  assert.ok(typeof key === 'string', 'every attempt has a service')
  return key
}
