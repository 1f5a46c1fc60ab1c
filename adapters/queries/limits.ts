/** Everything between a question and its answer has a limit. */
import type { Configuration } from '../../runtime/configuration/configuration.ts'

export interface QueryLimits {
  /** One request to one owner. */
  readonly attemptTimeoutMs: number
  /** The same for a prediction, which is worth nothing to a pipeline that waits for it too long; not asked again then. */
  readonly predictionMsMax: number
  /** Whole time for a question that one owner must answer, waiting and retries included. */
  readonly patienceMs: number
  /** The same for each owner of a merged list: the others' answers wait for the slowest. */
  readonly listPatienceMs: number
  /** Pause before an owner that refused the connection is asked again. */
  readonly retryDelayMs: number
  /** Learnt owners are asked for again after this time. */
  readonly ownersFreshMs: number
  /** Bytes of one consumer's answer. */
  readonly ownerAnswerBytesMax: number
  /** Bytes of one answer of ours, as JSON. */
  readonly answerBytesMax: number
  readonly inFlightMax: number
}

export const QUERY_LIMITS: QueryLimits = {
  attemptTimeoutMs: 3_000,
  predictionMsMax: 500,
  patienceMs: 8_000,
  listPatienceMs: 4_000,
  retryDelayMs: 150,
  ownersFreshMs: 5_000,
  ownerAnswerBytesMax: 8 * 1024 * 1024,
  // About 25,000 tokens: what common MCP clients accept as one tool result.
  answerBytesMax: 80 * 1024,
  inFlightMax: 128,
}

export function limitsOf({ learning }: Pick<Configuration, 'learning'>): QueryLimits {
  return { ...QUERY_LIMITS, predictionMsMax: learning.prediction.maxPredictionTime }
}
