/** Errors that a server answers with: `{ "error": { "code", "message", "retryable", "field"? } }`. */
export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
    /** Whether the same request may be answered another time. */
    readonly retryable: boolean
    readonly field?: string
    readonly [more: string]: unknown
  }
}

/** Thrown by a handler; `more` is added to the error object, e.g. the address of the right owner. */
export class HttpError extends Error {
  readonly statusCode: number
  readonly code: string
  readonly field: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    statusCode: number,
    code: string,
    message: string,
    options: {
      field?: string
      headers?: Readonly<Record<string, string>>
      more?: Readonly<Record<string, unknown>>
    } = {},
  ) {
    super(message)
    this.name = 'HttpError'
    this.statusCode = statusCode
    this.code = code
    this.field = options.field ?? null
    this.headers = options.headers ?? {}
    this.more = options.more ?? {}
  }
}

/** What the HTTP framework refuses by itself, in our words. */
const FRAMEWORK: Readonly<Record<string, { code: string; message: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', message: 'the body is larger than this server accepts' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type', message: 'this content type is not accepted here' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'invalid_json', message: 'the body is empty, JSON was announced' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid_json', message: 'the body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid_content_length',
    message: 'the body is not as long as content-length says',
  },
  FST_ERR_BAD_URL: { code: 'invalid_url', message: 'the path cannot be decoded' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'invalid_url', message: 'a part of the path is too long' },
}

export interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorBody
}

/** Statuses that speak of a moment, not of the request. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 503])

export const isPassing = (statusCode: number): boolean => PASSING.has(statusCode)

const plain = (statusCode: number, code: string, message: string): Answer => ({
  statusCode,
  headers: {},
  body: { error: { code, message, retryable: isPassing(statusCode) } },
})

/** Any error as an answer. What is not expected is a 500 that tells nothing of the inside. */
export function answerOf(error: unknown): Answer {
  if (error instanceof HttpError) {
    const { statusCode, headers, code, message, field, more } = error
    const retryable = isPassing(statusCode)
    const body = { error: { code, message, retryable, ...(field === null ? {} : { field }), ...more } }
    return { statusCode, headers, body }
  }
  const { code, statusCode, name } = error as { code?: unknown; statusCode?: unknown; name?: unknown }
  const known = typeof code === 'string' ? FRAMEWORK[code] : undefined
  if (known !== undefined) return plain(typeof statusCode === 'number' ? statusCode : 400, known.code, known.message)
  // Fastify's JSON parser throws a SyntaxError with a status and no code of its own, also for __proto__ keys.
  if (name === 'SyntaxError' && statusCode === 400) return plain(400, 'invalid_json', 'the body is not valid JSON')
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return plain(statusCode, 'bad_request', 'the request cannot be understood')
  }
  return plain(500, 'internal', 'something went wrong here; the log of this process tells what')
}
