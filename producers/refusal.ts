import { HttpError } from '../runtime/http/errors.ts'

/** Why a request was turned away: the closed set that telemetry counts and senders can act on. */
export const REFUSAL_CODES = [
  'malformed',
  'unauthorized',
  'forbidden',
  'off',
  'too_large',
  'unsupported_media_type',
  'overloaded',
  'unavailable',
  'unconfirmed',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

export interface Problem {
  /** Position in the list sent, 0 for a single item. */
  readonly index: number
  /** Path of the field, empty for the item itself. */
  readonly field: string
  readonly reason: string
}

/** What a sender wrote comes back in answers and goes to the log: never more of it than a person reads. */
const MESSAGE_CHARS_MAX = 400
const FIELD_CHARS_MAX = 200
const clipped = (text: string, charsMax: number): string =>
  text.length > charsMax ? `${text.slice(0, charsMax)}…` : text

interface RefusalOptions {
  readonly field?: string
  readonly problems?: readonly Problem[]
  /** Given where the same request can succeed later. */
  readonly retryAfterSeconds?: number
}

/** An answer other than 2xx that the sender can understand and act on. */
export class Refusal extends HttpError {
  readonly reason: RefusalCode
  /** Whether the same request can succeed later without a change by the sender. */
  readonly retryable: boolean

  constructor(statusCode: number, reason: RefusalCode, message: string, options: RefusalOptions = {}) {
    const { retryAfterSeconds } = options
    const field = clipped(options.field ?? '', FIELD_CHARS_MAX)
    const problems = options.problems?.map((problem) => ({
      index: problem.index,
      field: clipped(problem.field, FIELD_CHARS_MAX),
      reason: clipped(problem.reason, MESSAGE_CHARS_MAX),
    }))
    const retryable = retryAfterSeconds !== undefined
    super(statusCode, reason, clipped(message, MESSAGE_CHARS_MAX), {
      ...(field === '' ? {} : { field }),
      headers: {
        ...(retryable ? { 'retry-after': String(retryAfterSeconds) } : {}),
        ...(statusCode === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      },
      more: { retryable, ...(problems === undefined ? {} : { problems }) },
    })
    this.name = 'Refusal'
    this.reason = reason
    this.retryable = retryable
  }
}

export const malformed = (field: string, reason: string): Refusal =>
  new Refusal(400, 'malformed', field === '' ? reason : `${field}: ${reason}`, { field })

export const tooLarge = (field: string, reason: string): Refusal =>
  new Refusal(413, 'too_large', `${field}: ${reason}`, { field })

export const unsupported = (reason: string): Refusal => new Refusal(415, 'unsupported_media_type', reason)

const RETRY_FULL_SECONDS = 1

/** 503 rather than 429, because senders of metrics and alerts repeat after a 5xx but drop what got a 429. */
export const overloaded = (why: string): Refusal =>
  new Refusal(503, 'overloaded', `the gateway is at its limit: ${why}; send it again`, {
    retryAfterSeconds: RETRY_FULL_SECONDS,
  })
