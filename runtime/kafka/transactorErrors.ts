/** What can become of a transaction. `retryable` means: send the same again with the same producer. */

/** The transaction was aborted before its commit was asked for: nothing of it counts. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted'
  readonly retryable = true
  constructor(transactionalId: string, cause: unknown) {
    super(`transaction of ${transactionalId} aborted: ${messageOf(cause)}`, { cause })
  }
}

/** Another producer with the same transactional id was initialised: this one owns nothing any more. */
export class TransactorFenced extends Error {
  override readonly name = 'TransactorFenced'
  readonly retryable = false
  constructor(transactionalId: string, cause: unknown) {
    super(`${transactionalId} was fenced: ${messageOf(cause)}`, { cause })
  }
}

/** A step has no answer. The offsets that are committed after a new init say what counted. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
  readonly retryable = false
  constructor(transactionalId: string, step: 'send' | 'commit' | 'abort', cause: unknown) {
    super(`${step} of ${transactionalId} has no known outcome: ${messageOf(cause)}`, { cause })
  }
}

/** Whoever asked for it has let go of the shard meanwhile: nothing was initialised. */
export class TransactorUnwanted extends Error {
  override readonly name = 'TransactorUnwanted'
  readonly retryable = false
  constructor(transactionalId: string) {
    super(`${transactionalId} is not wanted any more`)
  }
}

const FENCING_TYPES: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  // The broker forgot the id, or another init ended the transaction: only a new init tells who owns it.
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])

export function isFencing(error: unknown): boolean {
  return inChain(error, (e) => {
    if (typeof e.type === 'string' && FENCING_TYPES.has(e.type)) return true
    // PRODUCER_FENCED is newer than kafkajs' table of errors; only its number is left.
    return typeof e.message === 'string' && /\b(error code|code) 90\b/i.test(e.message)
  })
}

export function isType(error: unknown, type: string): boolean {
  return inChain(error, (e) => e.type === type)
}

interface ErrorLike {
  readonly type?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly originalError?: unknown
}

function inChain(error: unknown, matches: (error: ErrorLike) => boolean): boolean {
  let current: unknown = error
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    const e = current as ErrorLike
    if (matches(e)) return true
    current = e.cause ?? e.originalError
  }
  return false
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
