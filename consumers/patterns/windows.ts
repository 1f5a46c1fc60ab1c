/** Parts of the day and the week in which runs of a service failed less than at all other times. */
import type { PatternRow } from './row.ts'
import { benjaminiHochberg, effectOf, fisher } from './significance.ts'
import type { Table } from './significance.ts'

/** A start in the zone of its service. */
export interface LocalStart {
  /** 0 ≤ hour < 24 */
  readonly hour: number
  /** 0 = Monday */
  readonly weekday: number
}

/** A finished run by its start. */
export interface TimedRun extends LocalStart {
  readonly failed: boolean
}

/** The newest of a service: enough to tell, and some 10 ms to read. */
export const WINDOW_RUNS_MAX = 1000

export const timedRunOf = ({ failed, attributes }: Pick<PatternRow, 'failed' | 'attributes'>): TimedRun => ({
  hour: Number(attributes['hour']),
  weekday: Number(attributes['weekday']),
  failed,
})

export interface DeploymentWindow {
  readonly fromHour: number
  /** Not included. */
  readonly toHour: number
  /** 0 = Monday; ascending. */
  readonly weekdays: readonly number[]
  readonly runs: number
  readonly failureShare: number
  readonly otherFailureShare: number
  /** Failures fewer, had the runs at all other times failed as those in the window did; 95 % interval. */
  readonly saved: { readonly expected: number; readonly low: number; readonly high: number }
}

const HOURS = 24
const STEP_HOURS = 2
const WIDTHS = [4, 8, 12, 24]
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
const DAYS = [EVERY_DAY, [0, 1, 2, 3, 4], [5, 6], ...EVERY_DAY.map((day) => [day])]
const RUNS_MIN = 15
const FALSE_SHARE_MAX = 0.05
const WINDOWS_MAX = 3

/**
 * The windows that hold against all others that were tried (Fisher's exact test, Benjamini–Hochberg), by the failures that they would save
 * at the least, none overlapping a better one. Null where no window has enough runs in and out of it.
 */
export function bestWindows(runs: readonly TimedRun[]): readonly DeploymentWindow[] | null {
  const tried = windows().flatMap((window) => {
    const table = tableOf(window, runs)
    return table.inside < RUNS_MIN || table.outside < RUNS_MIN ? [] : [{ window, table, p: fisher(table) }]
  })
  if (tried.length === 0) return null
  const adjusted = benjaminiHochberg(tried.map(({ p }) => p))
  const kept: DeploymentWindow[] = []
  const holding = tried
    .filter((_, i) => (adjusted[i] ?? 1) < FALSE_SHARE_MAX)
    .flatMap(({ window, table }) => windowOf(window, table))
    .sort((a, b) => b.saved.low - a.saved.low || b.runs - a.runs)
  for (const window of holding) {
    if (kept.length < WINDOWS_MAX && !kept.some((better) => isOverlapping(better, window))) kept.push(window)
  }
  return kept
}

type Window = Pick<DeploymentWindow, 'fromHour' | 'toHour' | 'weekdays'>

function windows(): readonly Window[] {
  return WIDTHS.flatMap((width) =>
    DAYS.flatMap((weekdays): Window[] => {
      if (width === HOURS) return weekdays === EVERY_DAY ? [] : [{ fromHour: 0, toHour: HOURS, weekdays }]
      const starts = Array.from({ length: (HOURS - width) / STEP_HOURS + 1 }, (_, i) => i * STEP_HOURS)
      return starts.map((fromHour) => ({ fromHour, toHour: fromHour + width, weekdays }))
    }),
  )
}

export const isIn = ({ fromHour, toHour, weekdays }: Window, { hour, weekday }: LocalStart): boolean =>
  fromHour <= hour && hour < toHour && weekdays.includes(weekday)

function tableOf(window: Window, runs: readonly TimedRun[]): Table {
  const table = { inside: 0, insideFailed: 0, outside: 0, outsideFailed: 0 }
  for (const run of runs) {
    const group = isIn(window, run) ? 'inside' : 'outside'
    table[group]++
    if (run.failed) table[`${group}Failed`]++
  }
  return table
}

/** None where it fails more, or as often. */
function windowOf(window: Window, table: Table): readonly DeploymentWindow[] {
  const found = effectOf([table])
  if (found === null || found.high >= 0) return []
  const { inside, insideFailed, outside, outsideFailed } = table
  const saved = (effect: number) => -effect * outside
  return [
    {
      ...window,
      runs: inside,
      failureShare: insideFailed / inside,
      otherFailureShare: outsideFailed / outside,
      saved: { expected: saved(found.effect), low: saved(found.high), high: saved(found.low) },
    },
  ]
}

const isOverlapping = (a: Window, b: Window): boolean =>
  a.fromHour < b.toHour && b.fromHour < a.toHour && a.weekdays.some((day) => b.weekdays.includes(day))
