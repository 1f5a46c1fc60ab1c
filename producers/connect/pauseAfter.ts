/** How long a server wants to be left alone, by its answer. GitHub and GitLab share these headers but for their prefix. */

/** GitHub asks for at least a minute where it names no time. */
const UNNAMED_MS = 60_000
/** A reset lies at most an hour ahead; whoever says more is not believed. */
const PAUSE_MS_MAX = 65 * 60_000

export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  /** The beginning of the body of an error, empty otherwise. */
  readonly text: string
}

export interface Pause {
  readonly ms: number
  /** Why: the answer was a refusal for too many requests, or the last one of its window. */
  readonly refused: boolean
}

/** Null: go on. `now`: ms, where the server tells no time of its own. */
export function pauseAfter({ status, headers, text }: AnswerHead, now: number): Pause | null {
  const refused = status === 429 || (status === 403 && isAboutRates(headers, text))
  const named = retryAfterMs(headers, now) ?? untilResetMs(headers, now)
  if (refused) return { ms: within(named ?? UNNAMED_MS), refused }
  // A later try of a failed request waits by itself, but not less than the server says.
  if (status === 503 && headers.has('retry-after')) return { ms: within(named ?? 0), refused: false }
  const untilReset = untilResetMs(headers, now)
  return untilReset === null ? null : { ms: within(untilReset), refused: false }
}

const within = (ms: number): number => Math.min(Math.max(ms, 0), PAUSE_MS_MAX)

function isAboutRates(headers: Headers, text: string): boolean {
  return headers.has('retry-after') || remainingOf(headers) === '0' || /rate limit|abuse detection/i.test(text)
}

const remainingOf = (headers: Headers): string | null =>
  headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining')

/** Seconds or an HTTP date. */
function retryAfterMs(headers: Headers, now: number): number | null {
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = Number(text)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - clockOf(headers, now)
  return Number.isNaN(ms) ? null : ms
}

/** Null while requests are left. */
function untilResetMs(headers: Headers, now: number): number | null {
  if (remainingOf(headers) !== '0') return null
  const reset = Number(headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset') ?? NaN)
  // A second more: the reset is told in whole ones.
  return Number.isNaN(reset) ? null : reset * 1000 - clockOf(headers, now) + 1000
}

/** The reset is a time of the server's clock. */
function clockOf(headers: Headers, now: number): number {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? now : date
}
