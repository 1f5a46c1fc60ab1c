/** The adapter's HTTP as a pipeline asks it: patient for a bounded time, and plain about who is to blame. */
import * as z from 'zod'
import { AnswerTooLarge, bytesOf } from '../../runtime/http/bytesOf.ts'
import { QUERIES, type QueryName, type QueryOutput } from '../../schemas/queries/queries.ts'

/** At the least. */
const RETRY_MS = 500
const ANSWER_BYTES_MAX = 4 * 1024 ** 2
const MESSAGE_CHARS_MAX = 500

/** No answer came: nobody is there, or it cannot answer now. */
export class NoAnswer extends Error {
  readonly retryable = true
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NoAnswer'
  }
}

/** The question or the address is wrong. */
export class Refused extends Error {
  readonly retryable = false
  constructor(message: string) {
    super(message)
    this.name = 'Refused'
  }
}

export interface AdapterDoorOptions {
  /** Ends without a slash. */
  readonly url: string
  readonly token: string | null
  /** For one question, with its repeats. */
  readonly patienceMs: number
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export class AdapterDoor {
  readonly #options: AdapterDoorOptions

  constructor(options: AdapterDoorOptions) {
    this.#options = options
  }

  /** Throws NoAnswer or Refused. */
  async ask<Name extends QueryName>(name: Name, input: object): Promise<QueryOutput<Name>> {
    const { patienceMs, now, sleep } = this.#options
    const deadline = now() + patienceMs
    for (;;) {
      try {
        return await this.#try(name, input, Math.max(deadline - now(), 1))
      } catch (error) {
        if (!(error instanceof Passing)) throw error
        const pauseMs = Math.max(error.retryAfterMs ?? 0, RETRY_MS)
        if (now() + pauseMs >= deadline) throw new NoAnswer(error.message, error.cause)
        await sleep(pauseMs)
      }
    }
  }

  async #try<Name extends QueryName>(name: Name, input: object, timeoutMs: number): Promise<QueryOutput<Name>> {
    const { url, token } = this.#options
    let response: Response
    let text: string
    try {
      response = await fetch(`${url}/api/v1/query/${name}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(input),
        // The question names a person: it goes to no address but the one that was given.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      text = (await bytesOf(response, ANSWER_BYTES_MAX)).toString()
    } catch (error) {
      if (error instanceof AnswerTooLarge) throw new NoAnswer(error.message, error)
      throw new Passing(`the adapter at ${url} does not answer: ${reasonOf(error)}`, null, error)
    }
    if (response.ok) return answerOf(name, url, text)
    const { status } = response
    const message = messageOf(text)
    const told = `the adapter at ${url} answered ${status}: ${message ?? 'no reason given'}`
    if (status >= 300 && status < 400)
      throw new Refused(
        `the adapter at ${url} answered ${status}: name the address that it points to, ${response.headers.get('location') ?? 'none'}`,
      )
    if (status === 429 || status >= 500) throw new Passing(told, secondsOf(response.headers.get('retry-after')))
    // The adapter itself asks for no token: its 403 is of a Host name or a proxy.
    const isOfToken = status === 401 || (status === 403 && message === null)
    throw new Refused(`${told}${isOfToken ? ' (the token is DEVOPS_MCP_TOKEN or --token-file)' : ''}`)
  }
}

/** Asking again may help. */
class Passing extends Error {
  readonly retryAfterMs: number | null
  constructor(message: string, retryAfterMs: number | null, cause?: unknown) {
    super(message, { cause })
    this.retryAfterMs = retryAfterMs
  }
}

function answerOf<Name extends QueryName>(name: Name, url: string, text: string): QueryOutput<Name> {
  try {
    return QUERIES[name].output.parse(JSON.parse(text)) as QueryOutput<Name>
  } catch (error) {
    throw new NoAnswer(`what answers at ${url} is no adapter of this version`, error)
  }
}

const failure = z.object({ error: z.object({ message: z.string() }) })

function messageOf(text: string): string | null {
  try {
    const told = failure.safeParse(JSON.parse(text))
    if (told.success) return told.data.error.message.slice(0, MESSAGE_CHARS_MAX)
  } catch {
    // Somebody else's words, which the status has to stand for.
  }
  return null
}

const secondsOf = (text: string | null): number | null =>
  text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null

/** fetch says only "fetch failed"; the cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
