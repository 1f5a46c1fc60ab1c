/** How alike two attempts of one service are, 0..1: Gower's coefficient (J. C. Gower, 1971) over what is known of both. */
import type { Attempt } from './attempt.ts'
import { changeLines, sameChange } from './change.ts'

export type Traits = Pick<
  Attempt,
  'workflow' | 'branch' | 'actor' | 'trigger' | 'pullRequest' | 'sha' | 'change' | 'hour' | 'weekday'
>

/** A change of e^4 ≈ 55 times the lines is wholly unlike. */
const LOG_LINES_RANGE = 4
const HALF_DAY_HOURS = 12

type Trait = readonly [weight: number, likeness: (a: Traits, b: Traits) => number | null]

const equal = <T>(a: T | null, b: T | null): number | null => (a === null || b === null ? null : a === b ? 1 : 0)

/** Weights: what tells runs apart at all counts more than who, what and when. */
const TRAITS: readonly Trait[] = [
  [3, (a, b) => equal(a.workflow, b.workflow)],
  [2, (a, b) => equal(a.trigger, b.trigger)],
  [2, (a, b) => equal(a.branch, b.branch)],
  [2, (a, b) => equal(sameChange(a), sameChange(b))],
  [1, (a, b) => equal(a.actor, b.actor)],
  [1, (a, b) => equal(a.pullRequest, b.pullRequest)],
  [1, (a, b) => kindsLikeness(a.change?.fileTypes ?? null, b.change?.fileTypes ?? null)],
  [1, (a, b) => linesLikeness(changeLines(a.change), changeLines(b.change))],
  [0.5, (a, b) => hoursLikeness(a.hour, b.hour)],
  [0.5, (a, b) => equal(a.weekday >= 5, b.weekday >= 5)],
]

export function similarity(a: Traits, b: Traits): number {
  let [sum, weights] = [0, 0]
  for (const [weight, likeness] of TRAITS) {
    const like = likeness(a, b)
    if (like === null) continue
    sum += weight * like
    weights += weight
  }
  return sum / weights
}

/** Jaccard's index of the endings. */
function kindsLikeness(a: string | null, b: string | null): number | null {
  if (a === null || b === null) return null
  const [kindsOfA, kindsOfB] = [endings(a), endings(b)]
  const all = kindsOfA.union(kindsOfB).size
  return all === 0 ? 1 : kindsOfA.intersection(kindsOfB).size / all
}

const endings = (kinds: string): Set<string> => new Set(kinds.split(/\s+/u).filter((ending) => ending !== ''))

function linesLikeness(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null
  return 1 - Math.min(Math.abs(Math.log1p(a) - Math.log1p(b)) / LOG_LINES_RANGE, 1)
}

function hoursLikeness(a: number, b: number): number {
  const apart = Math.abs(a - b)
  return 1 - Math.min(apart, 2 * HALF_DAY_HOURS - apart) / HALF_DAY_HOURS
}
