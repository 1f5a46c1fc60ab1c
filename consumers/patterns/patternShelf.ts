/** The patterns mined last, from the records of devops.models. */
import type { ModelRecord } from '../../schemas/generated/events.ts'
import { setOfCard } from './patternSet.ts'
import type { PatternSet } from './patternSet.ts'

export interface PatternShelf {
  /** Records of other kinds are passed by. Throws PatternSetInvalid for one that this program can't read. */
  accept(record: ModelRecord): void
  /** Null before the first were mined. */
  set(): PatternSet | null
}

export function createPatternShelf(): PatternShelf {
  let latest: PatternSet | null = null
  return {
    accept: ({ kind, card }) => {
      if (kind === 'pattern_set') latest = setOfCard(card)
    },
    set: () => latest,
  }
}
