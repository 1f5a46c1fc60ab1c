/** The patterns and failure clusters mined last: the same in every consumer. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { EVERYWHERE, contextOf, factorOf } from '../patterns/condition.ts'
import { scopeOfName } from '../patterns/environments.ts'
import type { Pattern } from '../patterns/lifecycle.ts'
import { EMPTY_SET, SUBJECTS } from '../patterns/patternSet.ts'
import type { Subject } from '../patterns/patternSet.ts'
import { wordsOf } from '../patterns/words.ts'
import type { Query } from './context.ts'
import { timeText } from './summaries.ts'

export const findPatterns: Query<'find_patterns'> = ({ service, status, limit }, context) => {
  const set = context.patterns()
  const { subjects } = set ?? EMPTY_SET
  const isAsked = (pattern: Pattern): boolean =>
    pattern.status === status &&
    (service === undefined || [service, scopeOfName(service), EVERYWHERE].includes(pattern.scope))
  const patterns = SUBJECTS.flatMap((subject) =>
    subjects[subject].patterns.filter(isAsked).map((pattern) => ({ subject, pattern })),
  ).sort((a, b) => leastOf(b.pattern) - leastOf(a.pattern))
  const clusters = SUBJECTS.flatMap((subject) => subjects[subject].clusters.map((cluster) => ({ subject, cluster })))
  return {
    patterns: patterns.slice(0, limit).map(answerOf),
    clusters: clusters.slice(0, limit).map(({ subject, cluster: { id, runs, silhouette, common } }) => ({
      id,
      subject,
      runs: runs.length,
      silhouette,
      common: common.map(({ field, value }) => `${field} ${value}`),
    })),
    freshThrough: set === null ? null : timeText(set.at),
    complete: set !== null,
    incompleteReason: set === null ? 'no patterns were mined yet' : null,
    completeSince: null,
  }
}

/** The smallest effect within its interval: what is sure to be strong comes first. */
function leastOf(pattern: Pattern): number {
  const { effect, low, high } = shownOf(pattern)
  return effect > 0 ? low : -high
}

/** What later runs showed; before they could, what found it. */
const shownOf = ({ found, later }: Pattern) => later ?? found

function answerOf({
  subject,
  pattern,
}: {
  readonly subject: Subject
  readonly pattern: Pattern
}): QueryOutput<'find_patterns'>['patterns'][number] {
  const { id, scope, predicate, status, firstSeen, lastSeen } = pattern
  const { effect, low, high, support, p } = shownOf(pattern)
  const context = contextOf(predicate)
  return {
    id,
    subject,
    scope,
    context: context === null ? null : wordsOf(context),
    factor: wordsOf(factorOf(predicate)),
    status,
    effect,
    low,
    high,
    runs: support,
    p,
    firstSeen: timeText(firstSeen),
    lastSeen: timeText(lastSeen),
  }
}
