/** A closed prediction as the engine keeps it for scorecards: numbers alone, in the order of SCORE_FIELDS. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { AnswerClass, LedgerEntry } from '../../schemas/generated/events.ts'
import { BASE_RATE_VERSION } from '../models/predict.ts'

/** Places are kept: only more may follow. */
export const ANSWER_CLASSES = [
  'confident',
  'uncertain',
  'not_enough_evidence',
] as const satisfies readonly AnswerClass[]

export type ScoreKeeper = Pick<ShardDoor, 'scoreAdd'>

/** Keeps what a closed entry tells; one that is known already, or that closes nothing, changes nothing. */
export function keepScore(entry: LedgerEntry, shard: ScoreKeeper): void {
  if (entry.kind !== 'scored' && entry.kind !== 'censored') return
  const subject = entry.model === 'ci_run' ? 'ci_run' : 'deployment'
  shard.scoreAdd(entry.service, subject, entry.predictionId, scoreOf(entry))
}

function scoreOf(entry: LedgerEntry): Float64Array {
  return Float64Array.of(
    entry.outcomeAt ?? entry.occurredAt,
    entry.pSuccess,
    entry.baseRate,
    entry.success === null ? NaN : Number(entry.success),
    ANSWER_CLASSES.indexOf(entry.answerClass),
    entry.durationP10 ?? NaN,
    entry.durationP50 ?? NaN,
    entry.durationP90 ?? NaN,
    entry.durationSeconds ?? NaN,
    Number(entry.modelVersion !== BASE_RATE_VERSION),
    Number(entry.backfilled),
  )
}
