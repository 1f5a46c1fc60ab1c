/**
 * What goes with a lower risk: the same question asked of the model with another start or a smaller change, beside what became of
 * similar attempts like that. Associations: nobody has tried what would have happened.
 */
import type { Attempt } from '../models/attempt.ts'
import { changeLines } from '../models/change.ts'
import { localTime } from './localTime.ts'
import type { LocalTime } from './localTime.ts'
import type { PastCase } from './pastCases.ts'

export interface Alternative {
  readonly kind: 'start' | 'smaller_change'
  /** When to start, ms, for a start. */
  readonly startAt: number | null
  /** At most so many lines, for a smaller change. */
  readonly linesMax: number | null
  /** The model's, all else being equal. */
  readonly pSuccess: number
  /** Similar past attempts like that, and how many of them succeeded. */
  readonly cases: number
  readonly successes: number
}

const HOUR_MS = 3_600_000
const WINDOW_HOURS = 6
const DAYS_AHEAD = 7
/** Less is no reason to wait or to split. */
const GAIN_MIN = 0.02
/** Cases less alike than this speak of other work. */
const SIMILAR_MIN = 0.5
/** Fewer cases contradict nobody. */
const CASES_MIN = 5
const SHARES_OF_LINES = [0.5, 0.25] as const

/**
 * At most one of each kind, the better one; none where nothing gains. `pOf`: what the model answers. `isQuiet`: no confirmed pattern
 * speaks against a start then.
 */
export function lowerRisk(
  attempt: Attempt,
  cases: readonly PastCase[],
  zone: string,
  pOf: (attempt: Attempt) => number,
  isQuiet: (start: LocalTime) => boolean,
): readonly Alternative[] {
  const similar = cases.filter((one) => one.similarity >= SIMILAR_MIN)
  const now = pOf(attempt)
  const gains = (candidates: readonly Alternative[]) =>
    candidates
      .filter((one) => one.pSuccess >= now + GAIN_MIN && !isContradicted(one, similar))
      .sort((a, b) => b.pSuccess - a.pSuccess)
      .slice(0, 1)
  return [...gains(otherStarts(attempt, similar, zone, pOf, isQuiet)), ...gains(smallerChanges(attempt, similar, pOf))]
}

/** What happened to similar ones like that was worse than what happened to all similar ones. */
function isContradicted({ cases, successes }: Alternative, similar: readonly PastCase[]): boolean {
  const share = similar.filter(({ success }) => success).length / similar.length
  return cases >= CASES_MIN && successes / cases < share
}

const windowOf = ({ hour, weekday }: Pick<Attempt, 'hour' | 'weekday'>) => ({
  part: Math.floor(hour / WINDOW_HOURS),
  weekend: weekday >= 5,
})

function otherStarts(
  attempt: Attempt,
  similar: readonly PastCase[],
  zone: string,
  pOf: (attempt: Attempt) => number,
  isQuiet: (start: LocalTime) => boolean,
): readonly Alternative[] {
  // Quarters of the day of the service's zone: from the next full hour on, as their local time says.
  const first = Math.ceil(attempt.at / HOUR_MS) * HOUR_MS
  const hours = Array.from({ length: DAYS_AHEAD * 24 }, (_, i) => first + i * HOUR_MS)
  const starts = hours.filter((at) => {
    const start = localTime(at, zone)
    return Math.floor(start.hour) % WINDOW_HOURS === WINDOW_HOURS / 2 && isQuiet(start)
  })
  return starts.map((startAt) => {
    // Only the time of the week: what will have happened until then is not known.
    const moved = { ...attempt, ...localTime(startAt, zone) }
    const { part, weekend } = windowOf(moved)
    const like = similar.filter((one) => {
      const own = windowOf(one.attempt)
      return own.part === part && own.weekend === weekend
    })
    return { kind: 'start', startAt, linesMax: null, pSuccess: pOf(moved), ...countsOf(like) }
  })
}

function smallerChanges(
  attempt: Attempt,
  similar: readonly PastCase[],
  pOf: (attempt: Attempt) => number,
): readonly Alternative[] {
  const { change } = attempt
  const lines = changeLines(change)
  if (change === null || lines === null) return []
  return SHARES_OF_LINES.map((share) => {
    const part = (count: number | null) => (count === null ? null : Math.ceil(count * share))
    const linesMax = Math.ceil(lines * share)
    const smaller = {
      ...change,
      linesAdded: part(change.linesAdded),
      linesDeleted: part(change.linesDeleted),
      filesAdded: part(change.filesAdded),
      filesDeleted: part(change.filesDeleted),
      filesModified: part(change.filesModified),
      srcFiles: part(change.srcFiles),
      docFiles: part(change.docFiles),
      otherFiles: part(change.otherFiles),
    }
    const like = similar.filter((one) => (changeLines(one.attempt.change) ?? Infinity) <= linesMax)
    const pSuccess = pOf({ ...attempt, sha: null, change: smaller })
    return { kind: 'smaller_change', startAt: null, linesMax, pSuccess, ...countsOf(like) }
  })
}

const countsOf = (cases: readonly PastCase[]) => ({
  cases: cases.length,
  successes: cases.filter(({ success }) => success).length,
})
