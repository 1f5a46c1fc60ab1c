/**
 * A patient reader of a REST API: follows Link headers, remembers ETags of what is asked for again, keeps to the server's rate
 * limits, and repeats what failed on the way. One for GitHub, GitLab and Jenkins (docs/adr/0021-history-comes-by-the-gateway.md).
 */
import { AnswerTooLarge, bytesOf } from '../../runtime/http/bytesOf.ts'
import { linksOf } from './links.ts'
import { pauseAfter } from './pauseAfter.ts'

const REQUEST_MS_MAX = 60_000
const ANSWER_BYTES_MAX = 64 * 1024 ** 2
const TRIES_MAX = 8
const FIRST_DELAY_MS = 1_000
const DELAY_MS_MAX = 60_000
/** ETags kept, with the answers that they stand for. */
const REMEMBERED_MAX = 200
const ERROR_CHARS_MAX = 300

/** The source did not give what was asked for, for good. */
export class SourceFailure extends Error {
  readonly retryable = false
  /** Null where there was no answer. */
  readonly status: number | null
  constructor(message: string, status: number | null, cause?: unknown) {
    super(message, { cause })
    this.name = 'SourceFailure'
    this.status = status
  }
}

export interface RestAnswer {
  readonly body: unknown
  readonly headers: Headers
  /** Address of the next page. */
  readonly next: string | null
}

export interface RestOptions {
  /** Ends without a slash. */
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** What a person should do about a refusal with this status; null: nothing to say. */
  readonly advice: (status: number) => string | null
  readonly signal: AbortSignal
  readonly now: () => number
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number) => Promise<void>
  /** 0 to 1. */
  readonly random: () => number
  /** What a person who waits would want to know. */
  readonly waiting: (reason: string, ms: number) => void
}

export class RestClient {
  readonly #options: RestOptions
  readonly #remembered = new Map<string, { readonly etag: string; readonly answer: RestAnswer }>()
  /** Of all requests, since a limit is the token's. */
  #pausedUntil = 0

  constructor(options: RestOptions) {
    this.#options = options
  }

  /**
   * `path`: below the base address, or a whole address of the same server. `remember`: it will be asked for again; an answer
   * that did not change costs the server little. Throws a SourceFailure.
   */
  async get(path: string, { remember = false } = {}): Promise<RestAnswer> {
    const url = this.#urlOf(path)
    for (let failures = 0; ; failures += 1) {
      await this.#pauseOver()
      const known = remember ? this.#remembered.get(url) : undefined
      const tried = await this.#try(url, known?.etag)
      const failed = failures + 1 >= TRIES_MAX
      if (tried instanceof Error) {
        if (failed) throw new SourceFailure(`${url}: ${textOf(tried)}`, null, tried)
        await this.#backOff(textOf(tried), failures)
        continue
      }
      const { response, bytes } = tried
      const { status, headers } = response
      const text = response.ok || status === 304 ? '' : bytes.toString('utf8', 0, 4 * ERROR_CHARS_MAX)
      const pause = pauseAfter({ status, headers, text }, this.#options.now())
      if (pause !== null) this.#pausedUntil = Math.max(this.#pausedUntil, this.#options.now() + pause.ms)
      if (status === 304 && known !== undefined) return known.answer
      if (response.ok) return this.#read(url, response, bytes, remember)
      const mayPass = pause?.refused === true || status >= 500 || status === 408
      if (!mayPass || failed) throw this.#failure(url, status, text)
      // A refusal for the rate says when; what broke says nothing.
      if (pause === null) await this.#backOff(`${new URL(url).host} answered ${status}`, failures)
    }
  }

  /** Page after page, by the Link header. */
  async *pages(path: string, options: { readonly remember?: boolean } = {}): AsyncGenerator<unknown, void> {
    for (let next: string | null = path; next !== null;) {
      const answer: RestAnswer = await this.get(next, options)
      yield answer.body
      next = answer.next
    }
  }

  #urlOf(path: string): string {
    const { baseUrl } = this.#options
    if (!/^https?:/.test(path)) return `${baseUrl}${path}`
    // The token goes with every request: never to another server, whatever a Link header says.
    if (new URL(path).origin !== new URL(baseUrl).origin)
      throw new SourceFailure(`${path} is not on the server ${new URL(baseUrl).origin}`, null)
    return path
  }

  async #try(url: string, etag: string | undefined): Promise<{ response: Response; bytes: Buffer } | Error> {
    const { headers, signal } = this.#options
    try {
      const response = await fetch(url, {
        headers: { ...headers, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]),
      })
      return { response, bytes: await bytesOf(response, ANSWER_BYTES_MAX) }
    } catch (error) {
      if (signal.aborted) throw error
      if (error instanceof AnswerTooLarge) throw new SourceFailure(error.message, error.status, error)
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #read(url: string, response: Response, bytes: Buffer, remember: boolean): RestAnswer {
    let body: unknown
    try {
      body = bytes.length === 0 ? null : JSON.parse(bytes.toString('utf8'))
    } catch (error) {
      throw new SourceFailure(`${url} did not answer with JSON: is the base address right?`, response.status, error)
    }
    const next = linksOf(response.headers.get('link')).get('next')
    const answer = { body, headers: response.headers, next: next === undefined ? null : new URL(next, url).href }
    const etag = response.headers.get('etag')
    if (remember && etag !== null) {
      this.#remembered.delete(url)
      this.#remembered.set(url, { etag, answer })
      const oldest = this.#remembered.keys().next()
      if (this.#remembered.size > REMEMBERED_MAX && oldest.done !== true) this.#remembered.delete(oldest.value)
    }
    return answer
  }

  async #pauseOver(): Promise<void> {
    const { now, sleep, waiting } = this.#options
    for (let ms = this.#pausedUntil - now(); ms > 0; ms = this.#pausedUntil - now()) {
      waiting('the limit of requests is reached', ms)
      await sleep(ms)
    }
  }

  async #backOff(reason: string, failures: number): Promise<void> {
    const { sleep, waiting, random } = this.#options
    const ms = Math.min(FIRST_DELAY_MS * 2 ** failures, DELAY_MS_MAX) * (0.5 + random() / 2)
    waiting(reason, ms)
    await sleep(ms)
  }

  #failure(url: string, status: number, text: string): SourceFailure {
    const advice = this.#options.advice(status)
    const told = messageOf(text)
    const parts = [`${url} answered ${status}`, ...(told === '' ? [] : [told]), ...(advice === null ? [] : [advice])]
    return new SourceFailure(parts.join(': '), status)
  }
}

/** What the API says of an error, where it says it as GitHub and GitLab do. */
function messageOf(text: string): string {
  const message = /"(?:message|error)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]
  return (message ?? '').slice(0, ERROR_CHARS_MAX)
}

/** fetch says only "fetch failed"; the cause says why. */
const textOf = (error: Error): string =>
  error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
