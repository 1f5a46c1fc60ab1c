/** Asks several owners at once and tells apart what came, who was silent, and what is the caller's own fault. */
import { Cancelled, InvalidInput, QueryFailure } from './errors.ts'
import type { Absence } from './freshness.ts'
import type { Owner } from './membership.ts'

export interface Heard<Value> {
  readonly answers: readonly Value[]
  /** One for each failure, in the same order. */
  readonly absences: readonly Absence[]
  readonly failures: readonly QueryFailure[]
}

export async function fanOut<Target extends Pick<Owner, 'shards'>, Value>(
  targets: readonly Target[],
  ask: (target: Target) => Promise<Value>,
): Promise<Heard<Value>> {
  const answers: Value[] = []
  const absences: Absence[] = []
  const failures: QueryFailure[] = []
  const settled = await Promise.allSettled(targets.map(ask))
  for (const [index, one] of settled.entries()) {
    if (one.status === 'fulfilled') {
      answers.push(one.value)
      continue
    }
    const error: unknown = one.reason
    // What the caller did wrong or gave up is the same everywhere; what is no QueryFailure is a bug of ours.
    if (!(error instanceof QueryFailure) || error instanceof InvalidInput || error instanceof Cancelled) throw error
    failures.push(error)
    absences.push({ shards: targets[index]?.shards ?? [], reason: error.message })
  }
  return { answers, absences, failures }
}
