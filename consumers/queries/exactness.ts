/** Answers as known at a time: of a long past not every state is kept. */
import type { Freshness } from './freshness.ts'
import { timeText } from './summaries.ts'

export function withExactness(freshness: Freshness, exactFrom: number | null): Freshness {
  if (exactFrom === null) return freshness
  const reason = `as known at this time some records are not exact; from ${timeText(exactFrom)} on they are`
  const others = freshness.incompleteReason
  return { ...freshness, complete: false, incompleteReason: others === null ? reason : `${others}; ${reason}` }
}
