/** The newest starts of a service before an attempt: what runs at the moment, in what order things came, and how the last ones went. */
import type { ChangeSize } from '../../schemas/generated/events.ts'
import type { Attempt } from './attempt.ts'
import { changeLines, sameChange } from './change.ts'

/** So many are looked at. */
export const RECENT_MAX = 8
/** Starts closer to each other than this belong to one burst: a push, a queue that is worked off. */
const BURST_GAP_MS = 90_000
/** Of so many the course is told one by one. */
const TOLD = 3
const SPAN_MAX = 5
const UNLIKE = 9

export type StartOutcome = 'running' | 'success' | 'failed' | 'censored'

export interface RecentStart extends Pick<
  Attempt,
  'workflow' | 'branch' | 'actor' | 'trigger' | 'pullRequest' | 'sha' | 'change' | 'at'
> {
  readonly outcome: StartOutcome
}

type Identified = Omit<RecentStart, 'outcome' | 'at'>

/** Who runs what, how: what is started again and again. */
const laneOf = ({ workflow, branch, actor, trigger, pullRequest }: Identified): string =>
  JSON.stringify([workflow, branch, actor, trigger, pullRequest])

const changeKey = (start: Identified): string => sameChange(start) ?? '-'

/** What came before an attempt, as a part of a key: the changes of the two starts before. */
export function sequenceOf(recent: readonly RecentStart[]): string {
  return [0, 1].map((i) => (recent[i] === undefined ? '-' : changeKey(recent[i]))).join('>')
}

/** How many of the burst that an attempt continues were the same, and how many there were. */
export function burstOf(
  attempt: Attempt,
  recent: readonly RecentStart[],
): { readonly all: number; readonly same: number } {
  const [lane, change] = [laneOf(attempt), changeKey(attempt)]
  let [all, same, next] = [0, 0, attempt.at]
  for (const start of recent) {
    if (next - start.at > BURST_GAP_MS) break
    next = start.at
    all++
    if (changeKey(start) === change && laneOf(start) === lane) same++
  }
  return { all, same }
}

const signs: Readonly<Record<StartOutcome, number>> = { failed: 1, success: -1, running: 0, censored: 0 }
const logAge = (ms: number): number => Math.log1p(Math.max(ms, 0) / 360_000)
const AGE_UNKNOWN = logAge(60 * 24 * 3_600_000)

/** `usualMs`: median duration of a run of the service; null when unknown. */
export function recentPart(
  attempt: Attempt,
  recent: readonly RecentStart[],
  usualMs: number | null,
): readonly (readonly [name: string, value: number])[] {
  const spans = (start: RecentStart): number =>
    usualMs === null ? SPAN_MAX : Math.min(Math.max(attempt.at - start.at, 0) / usualMs, SPAN_MAX)
  const ageOf = (n: number): number => {
    const start = recent[n]
    return start === undefined ? AGE_UNKNOWN : logAge(attempt.at - start.at)
  }
  const within = (ms: number) => Math.log1p(recent.filter((start) => attempt.at - start.at <= ms).length)
  const running = recent.filter(({ outcome }) => outcome === 'running').map(spans)
  const burst = burstOf(attempt, recent)
  const lane = laneOf(attempt)
  const told = Array.from({ length: TOLD }, (_, i) => {
    const start = recent[i]
    const part = (name: string, value: number) => [`recent.${i}.${name}`, value] as const
    return [
      part('outcome', start === undefined ? 0 : signs[start.outcome]),
      part('span', start === undefined ? SPAN_MAX : spans(start)),
      part('distance', start === undefined ? UNLIKE : distance(attempt, start)),
      part(
        'same',
        start === undefined ? 0 : Number(changeKey(start) === changeKey(attempt)) + Number(laneOf(start) === lane),
      ),
    ]
  })
  const own = recent.find(({ actor }) => actor !== null && actor === attempt.actor)
  return [
    ['recent.gap', ageOf(0)],
    ['recent.last', ageOf(RECENT_MAX - 1)],
    ['recent.minute', within(60_000)],
    ['recent.quarter', within(900_000)],
    ['recent.burst', Math.log1p(burst.all)],
    ['recent.burstSame', burst.same],
    ['recent.running', Math.log1p(running.length)],
    ['recent.longest', Math.max(0, ...running)],
    ['recent.overdue', running.filter((span) => span > 1.2).length],
    ...told.flat(),
    ['recent.own.outcome', own === undefined ? 0 : signs[own.outcome]],
    ['recent.own.gap', own === undefined ? AGE_UNKNOWN : logAge(attempt.at - own.at)],
    ['recent.own.distance', own === undefined ? UNLIKE : distance(attempt, own)],
    ['recent.own.same', own !== undefined && changeKey(own) === changeKey(attempt) ? 1 : 0],
  ]
}

/** Between the sizes of two changes, in logarithms; unknown sizes are far. */
function distance(attempt: Attempt, start: RecentStart): number {
  const sizes = (change: ChangeSize | null) =>
    changeLines(change) === null
      ? null
      : [change?.linesAdded ?? 0, change?.linesDeleted ?? 0, change?.filesModified ?? 0]
  const [a, b] = [sizes(attempt.change), sizes(start.change)]
  if (a === null || b === null) return UNLIKE
  const apart = a.reduce((sum, size, i) => sum + Math.abs(Math.log1p(size) - Math.log1p(b[i] ?? 0)), 0)
  return Math.min(apart + (attempt.actor === start.actor ? 0 : 1), UNLIKE)
}
