/** How current and how whole an answer of several owners is. */
import type { Membership } from './membership.ts'

export interface Freshness {
  readonly freshThrough: string | null
  readonly complete: boolean
  readonly incompleteReason: string | null
  readonly completeSince: string | null
}

/** An owner that did not answer. */
export interface Absence {
  readonly shards: readonly number[]
  readonly reason: string
}

const REASON_CHARS_MAX = 1_000

export function joinFreshness(
  parts: readonly Freshness[],
  absences: readonly Absence[],
  membership: Pick<Membership, 'unownedShards'>,
): Freshness {
  const reasons = parts.flatMap((part) => (part.complete ? [] : [part.incompleteReason ?? 'an owner gives no reason']))
  for (const absence of absences) reasons.push(`shards ${absence.shards.join(', ')}: ${absence.reason}`)
  if (membership.unownedShards.length > 0) reasons.push(`shards ${membership.unownedShards.join(', ')}: no owner`)
  const times = parts.map((part) => part.freshThrough)
  const known = times.flatMap((time) => (time === null ? [] : [time]))
  const since = parts.flatMap(({ completeSince }) => (completeSince === null ? [] : [completeSince]))
  return {
    // The least current part decides; what one owner does not know, the whole does not know.
    freshThrough: known.length === times.length && known.length > 0 ? known.reduce(earlier) : null,
    complete: reasons.length === 0,
    incompleteReason: reasons.length === 0 ? null : [...new Set(reasons)].join('; ').slice(0, REASON_CHARS_MAX),
    completeSince: since.length === 0 ? null : since.reduce((a, b) => (earlier(a, b) === a ? b : a)),
  }
}

function earlier(a: string, b: string): string {
  return Date.parse(a) <= Date.parse(b) ? a : b
}
