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
    const { field, problems, retryAfterSeconds } = options
    const retryable = retryAfterSeconds !== undefined
    super(statusCode, reason, message, {
      ...(field === undefined || field === '' ? {} : { field }),
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
