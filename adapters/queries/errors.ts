/** What can go wrong between a question and its answer. `retryable`: asking again later may help. */

export type FailureCode =
  | 'invalid_input'
  | 'not_found'
  | 'restoring'
  | 'unavailable'
  | 'prediction_late'
  | 'busy'
  | 'bad_answer'
  | 'answer_too_large'
  | 'cancelled'

export abstract class QueryFailure extends Error {
  abstract readonly code: FailureCode
  abstract readonly retryable: boolean
}

export class InvalidInput extends QueryFailure {
  readonly code = 'invalid_input'
  readonly retryable = false
  readonly field: string
  readonly reason: string

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.name = 'InvalidInput'
    this.field = field
    this.reason = reason
  }
}

export class NotFound extends QueryFailure {
  readonly code = 'not_found'
  readonly retryable = false

  constructor(message: string) {
    super(message)
    this.name = 'NotFound'
  }
}

/** An owner is rebuilding its state and asks for patience beyond what a call may wait. */
export class Restoring extends QueryFailure {
  readonly code = 'restoring'
  readonly retryable = true
  readonly retryAfterSeconds: number

  constructor(address: string, retryAfterSeconds: number) {
    super(`the consumer at ${address} is restoring its state; ask again in ${retryAfterSeconds} s`)
    this.name = 'Restoring'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export class Unavailable extends QueryFailure {
  readonly code = 'unavailable'
  readonly retryable = true

  constructor(reason: string) {
    super(reason)
    this.name = 'Unavailable'
  }
}

/** The consumer took longer for a prediction than its asker would wait. */
export class PredictionLate extends QueryFailure {
  readonly code = 'prediction_late'
  readonly retryable = true
  readonly predictionMsMax: number

  constructor(address: string, predictionMsMax: number) {
    super(
      `the consumer at ${address} made no prediction in ${predictionMsMax} ms (learning.prediction.max_prediction_time)`,
    )
    this.name = 'PredictionLate'
    this.predictionMsMax = predictionMsMax
  }
}

export class Busy extends QueryFailure {
  readonly code = 'busy'
  readonly retryable = true
  readonly inFlight: number
  readonly inFlightMax: number

  constructor(inFlight: number, inFlightMax: number) {
    super(`${inFlight} of at most ${inFlightMax} questions are being answered; ask again in a moment`)
    this.name = 'Busy'
    this.inFlight = inFlight
    this.inFlightMax = inFlightMax
  }
}

/** A consumer answered something that its contract does not allow. */
export class BadAnswer extends QueryFailure {
  readonly code = 'bad_answer'
  readonly retryable = false

  constructor(address: string, reason: string) {
    super(`the consumer at ${address} answered out of contract: ${reason}`)
    this.name = 'BadAnswer'
  }
}

export class AnswerTooLarge extends QueryFailure {
  readonly code = 'answer_too_large'
  readonly retryable = false
  readonly bytesMax: number

  constructor(bytesMax: number) {
    super(`the answer is over ${bytesMax} bytes; narrow the question`)
    this.name = 'AnswerTooLarge'
    this.bytesMax = bytesMax
  }
}

export class Cancelled extends QueryFailure {
  readonly code = 'cancelled'
  readonly retryable = false

  constructor() {
    super('the caller cancelled the question')
    this.name = 'Cancelled'
  }
}
