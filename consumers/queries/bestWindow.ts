import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { QueryInput } from '../../schemas/queries/queries.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import { WINDOW_RUNS_MAX, bestWindows, timedRunOf } from '../patterns/windows.ts'
import { askedShard } from './askedShard.ts'
import type { Query, QueryContext } from './context.ts'
import { freshnessOf } from './freshness.ts'

const DAY_MS = 24 * 3_600_000
const DAYS = 180
const KINDS = { deployment: ['deployments'], ci_run: ['ci_runs_successful', 'ci_runs_failed'] } as const

/** By the service's latest runs, the hours of its zone. */
export const bestWindow: Query<'best_window'> = (input, context) => {
  const view = askedShard(input.service, context)
  const from = context.now() - DAYS * DAY_MS
  const rows = rowsOf(input, view.door, from, context)
  const windows = bestWindows(rows.map(timedRunOf))
  const isEnough = windows !== null && rows.length >= context.minSamples
  return {
    timeZone: context.zoneOf(input.service),
    answerClass: isEnough ? (windows.length > 0 ? 'confident' : 'uncertain') : 'not_enough_evidence',
    runs: rows.length,
    windows: isEnough ? windows.map((window) => ({ ...window, weekdays: [...window.weekdays] })) : [],
    ...freshnessOf([view], context.isInTouch(), { kinds: KINDS[input.subject], from }),
  }
}

function rowsOf(
  { service, subject }: QueryInput<'best_window'>,
  door: ShardDoor,
  from: number,
  context: QueryContext,
): readonly SubjectRow[] {
  const open = { environment: null, state: null, conclusion: null, to: null, at: null }
  const { items } = door.deployments({ ...open, service, subject, from }, WINDOW_RUNS_MAX, null)
  return items.flatMap((record) => context.patternRow(record, door) ?? [])
}
