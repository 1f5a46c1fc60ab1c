/** Errors that a handler answers with: `{ "error": { "code", "message", "field"? } }`. */
export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
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

/** Any error as an answer. What is not expected is a 500 that tells nothing of the inside. */
export function answerOf(error: unknown): Answer {
  if (error instanceof HttpError) {
    const { statusCode, headers, code, message, field, more } = error
    return { statusCode, headers, body: { error: { code, message, ...(field === null ? {} : { field }), ...more } } }
  }
  const { code, statusCode, name } = error as { code?: unknown; statusCode?: unknown; name?: unknown }
  const known = typeof code === 'string' ? FRAMEWORK[code] : undefined
  if (known !== undefined) {
    return { statusCode: typeof statusCode === 'number' ? statusCode : 400, headers: {}, body: { error: known } }
  }
  // Fastify's JSON parser throws a SyntaxError with a status and no code of its own, also for __proto__ keys.
  if (name === 'SyntaxError' && statusCode === 400) {
    return {
      statusCode: 400,
      headers: {},
      body: { error: { code: 'invalid_json', message: 'the body is not valid JSON' } },
    }
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return {
      statusCode,
      headers: {},
      body: { error: { code: 'bad_request', message: 'the request cannot be understood' } },
    }
  }
  return {
    statusCode: 500,
    headers: {},
    body: { error: { code: 'internal', message: 'something went wrong here; the log of this process tells what' } },
  }
}
