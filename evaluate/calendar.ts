/**
 * When a project's first run may have started. The data tells seconds since that run, and hour and weekday of every run, but no
 * date. Hour and weekday of all known runs leave a short span of the week for the first one; its middle is taken, in the
 * first such week of its month in 2024. Hour and weekday of a run then come out as given, up to that span (an hour at most, where only
 * one run is known), and times between runs of a project are exact. Dates mean nothing beyond that and no feature reads them.
 */
import type { CiRun } from './ciRun.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
const YEAR = 2024

/** `runs`: those known of the project before the first event is made; at least one. */
export function zeroMsOf(runs: readonly CiRun[]): number {
  const [first] = runs
  if (first === undefined) throw new RangeError('no run to date a project by')
  const [low, high] = spanOf(runs, first)
  const monthStart = Date.UTC(YEAR, first.month - 1, 1)
  // 1970 began on a Thursday; weeks here begin on Monday.
  const intoWeek = mod(monthStart + 3 * DAY_MS, WEEK_MS)
  const firstStart = monthStart - intoWeek + WEEK_MS + mod(low, WEEK_MS) + (high - low) / 2
  return Math.round(firstStart - first.startS * 1000)
}

/** Bounds of the first run's start as ms into the week, by what every run says; runs that disagree (a clock change) are passed by. */
function spanOf(runs: readonly CiRun[], first: CiRun): readonly [number, number] {
  const base = first.weekday * DAY_MS + first.hour * HOUR_MS
  let [low, high] = [base, base + HOUR_MS]
  for (const run of runs) {
    const since = (run.startS - first.startS) * 1000
    const slot = run.weekday * DAY_MS + run.hour * HOUR_MS - since
    const from = base + mod(slot - base + WEEK_MS / 2, WEEK_MS) - WEEK_MS / 2
    if (from >= high || from + HOUR_MS <= low) continue
    low = Math.max(low, from)
    high = Math.min(high, from + HOUR_MS)
  }
  return [low, high]
}

const mod = (value: number, by: number): number => ((value % by) + by) % by
