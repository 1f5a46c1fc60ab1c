import { WINDOW_RUNS_MAX, bestWindows, timedRunOf } from '../patterns/windows.ts'
import { askedShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf, reach } from './freshness.ts'

const DAY_MS = 24 * 3_600_000
const DAYS = 180
const KINDS = { deployment: ['deployments'], ci_run: ['ci_runs_successful', 'ci_runs_failed'] } as const

/** By the service's latest runs, the hours of its zone. */
export const bestWindow: Query<'best_window'> = ({ service, subject }, context) => {
  const view = askedShard(service, context)
  const from = context.now() - DAYS * DAY_MS
  const open = { environment: null, state: null, conclusion: null, to: null, at: null }
  const { items, cursor } = view.door.deployments({ ...open, service, subject, from }, WINDOW_RUNS_MAX, null)
  const rows = items.flatMap((record) => context.patternRow(record, view.door) ?? [])
  const windows = bestWindows(rows.map(timedRunOf))
  const isEnough = windows !== null && rows.length >= context.minSamples
  const history = { kinds: KINDS[subject], from: reach(from, cursor, items.at(-1)?.listedAt) }
  return {
    timeZone: context.zoneOf(service),
    answerClass: isEnough ? (windows.length > 0 ? 'confident' : 'uncertain') : 'not_enough_evidence',
    runs: rows.length,
    windows: isEnough ? windows.map((window) => ({ ...window, weekdays: [...window.weekdays] })) : [],
    ...freshnessOf([view], context.isInTouch(), history),
  }
}
