/** The way into the pipeline: the gateway's own routes, asked until it has taken what was sent. */
import type { DeliveriesAnswer } from '../routes/deliveries.ts'
import type { Problem } from '../refusal.ts'
import type { Delivery } from './delivery.ts'

const REQUEST_MS_MAX = 60_000
/** A gateway that restarts, or a broker that is away, is waited for this long. */
const PATIENCE_MS = 10 * 60_000
const RETRY_MS = 1_000
const RETRY_MS_MAX = 10_000

export class GatewayFailure extends Error {
  readonly retryable = false
  /** Null where there was no answer. */
  readonly status: number | null
  /** What it said of single items. */
  readonly problems: readonly Problem[]
  constructor(message: string, status: number | null, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, { cause })
    this.name = 'GatewayFailure'
    this.status = status
    this.problems = problems
  }
}

export interface DoorOptions {
  /** Ends without a slash. */
  readonly url: string
  readonly token: string | null
  readonly signal: AbortSignal
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly waiting: (reason: string, ms: number) => void
}

export class GatewayDoor {
  readonly #options: DoorOptions

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** Throws a GatewayFailure that says what to do, before a long reading is begun for nothing. */
  async knock(): Promise<void> {
    const { url, signal } = this.#options
    try {
      await fetch(`${url}/healthz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]) })
    } catch (error) {
      if (signal.aborted) throw error
      throw unreachable(url, error)
    }
  }

  /** At most as many as a request may have. */
  async deliver(source: string, deliveries: readonly Delivery[]): Promise<DeliveriesAnswer> {
    const items = deliveries.map(({ kind, payload, backfilled }) => ({ kind, payload, backfilled }))
    return (await this.post('/v1/deliveries', { source, deliveries: items })) as DeliveriesAnswer
  }

  /** The answer's JSON. Throws a GatewayFailure. */
  async post(path: string, body: unknown): Promise<unknown> {
    const { url, token, signal, now, sleep, waiting } = this.#options
    const text = JSON.stringify(body)
    const since = now()
    for (let tries = 0; ; tries += 1) {
      let trouble: { reason: string; ms: number; error: GatewayFailure }
      try {
        const answer = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          },
          body: text,
          signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]),
        })
        if (answer.ok) return await answer.json()
        const error = failureOf(path, answer.status, await answer.text())
        if (answer.status !== 503 && answer.status !== 429) throw error
        const seconds = Number(answer.headers.get('retry-after') ?? NaN)
        trouble = { reason: error.message, ms: Number.isNaN(seconds) ? RETRY_MS : seconds * 1000, error }
      } catch (error) {
        if (signal.aborted || error instanceof GatewayFailure) throw error
        const failure = unreachable(url, error)
        trouble = { reason: failure.message, ms: RETRY_MS * 2 ** Math.min(tries, 10), error: failure }
      }
      if (now() - since > PATIENCE_MS) throw trouble.error
      const ms = Math.min(trouble.ms, RETRY_MS_MAX)
      waiting(trouble.reason, ms)
      await sleep(ms)
    }
  }
}

const unreachable = (url: string, cause: unknown): GatewayFailure =>
  new GatewayFailure(`the gateway does not answer at ${url}: is \`npm start\` running?`, null, [], cause)

interface ErrorShape {
  readonly error?: { readonly message?: string; readonly problems?: readonly Problem[] }
}

function failureOf(path: string, status: number, text: string): GatewayFailure {
  let told: ErrorShape = {}
  try {
    told = JSON.parse(text) as ErrorShape
  } catch {
    // Not the gateway's own words: the status has to do.
  }
  const reason = told.error?.message ?? text.slice(0, 200)
  const advice =
    status === 401 || status === 403 ? ' (DEVOPS_GATEWAY_TOKEN, or gateway.token of the configuration)' : ''
  return new GatewayFailure(
    `the gateway refused ${path} with ${status}: ${reason}${advice}`,
    status,
    told.error?.problems ?? [],
  )
}
