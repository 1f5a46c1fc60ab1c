/** One HTTP request to one consumer. Every outcome that the contract names is a value; nothing is retried here. */
import * as z from 'zod'
import { QUERIES, type QueryName, type QueryOutput } from '../../schemas/queries/queries.ts'
import { baseOf, ownersAnswer, type OwnersAnswer } from './membership.ts'
import type { QueryLimits } from './limits.ts'

export type Reply<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'invalid'; readonly field: string; readonly reason: string }
  | { readonly kind: 'not_found'; readonly message: string }
  | { readonly kind: 'wrong_owner'; readonly address: string }
  | { readonly kind: 'restoring'; readonly retryAfterSeconds: number }
  /** A prediction that took too long. */
  | { readonly kind: 'late'; readonly afterMs: number }
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string }

export interface OwnerRequests {
  owners(address: string, signal: AbortSignal): Promise<Reply<OwnersAnswer>>
  query<Name extends QueryName>(
    address: string,
    name: Name,
    input: object,
    signal: AbortSignal,
  ): Promise<Reply<QueryOutput<Name>>>
}

const errorAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    address: z.string().optional(),
  }),
})
const redirectAddress = z.url({ protocol: /^https?$/ }).max(512)
const RETRY_AFTER_SECONDS_DEFAULT = 1

interface TimeLimit {
  readonly ms: number
  /** The reply when it is over. */
  readonly over: Reply<never>
}

export function createOwnerRequests(fetchLike: typeof fetch, limits: QueryLimits): OwnerRequests {
  const { attemptTimeoutMs, predictionMsMax } = limits
  const attemptTime: TimeLimit = {
    ms: attemptTimeoutMs,
    over: { kind: 'unreachable', reason: `no answer in ${attemptTimeoutMs} ms` },
  }
  const predictionTime: TimeLimit = { ms: predictionMsMax, over: { kind: 'late', afterMs: predictionMsMax } }

  async function exchange<Value>(
    url: string,
    init: RequestInit,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
    time: TimeLimit,
  ): Promise<Reply<Value>> {
    let response: Response
    let text: string | null
    try {
      const timeout = AbortSignal.timeout(time.ms)
      // A consumer never redirects; whoever does is not one.
      response = await fetchLike(url, { ...init, redirect: 'error', signal: AbortSignal.any([signal, timeout]) })
      text = await readBounded(response, limits.ownerAnswerBytesMax)
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') return time.over
      return { kind: 'unreachable', reason: reasonOf(error) }
    }
    if (text === null) return { kind: 'bad', reason: `more than ${limits.ownerAnswerBytesMax} bytes` }
    return interpret(response, text, schema)
  }

  return {
    owners: (address, signal) =>
      exchange(`${baseOf(address)}/v1/owners`, { method: 'GET' }, ownersAnswer, signal, attemptTime),
    query: <Name extends QueryName>(address: string, name: Name, input: object, signal: AbortSignal) =>
      exchange(
        `${baseOf(address)}/v1/query/${name}`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) },
        // The table is typed by name; indexing it with a generic name loses that.
        QUERIES[name].output as unknown as z.ZodType<QueryOutput<Name>>,
        signal,
        name === 'predict_deployment' ? predictionTime : attemptTime,
      ),
  }
}

function interpret<Value>(response: Response, text: string, schema: z.ZodType<Value>): Reply<Value> {
  const body = parseJson(text)
  if (response.ok) {
    const parsed = schema.safeParse(body)
    return parsed.success ? { kind: 'ok', value: parsed.data } : { kind: 'bad', reason: firstProblem(parsed.error) }
  }
  const told = errorAnswer.safeParse(body)
  const error = told.success ? told.data.error : null
  switch (response.status) {
    case 400:
      return { kind: 'invalid', field: error?.field ?? 'input', reason: error?.message ?? 'refused' }
    case 404:
      return error === null
        ? { kind: 'bad', reason: 'status 404 without a reason' }
        : { kind: 'not_found', message: error.message }
    case 421: {
      const address = redirectAddress.safeParse(error?.address)
      return address.success
        ? { kind: 'wrong_owner', address: baseOf(address.data) }
        : { kind: 'unreachable', reason: 'it owns the shard no more and knows no other owner' }
    }
    case 503:
      return { kind: 'restoring', retryAfterSeconds: retryAfterSeconds(response.headers.get('retry-after')) }
    default:
      return { kind: 'bad', reason: `status ${response.status}` }
  }
}

function retryAfterSeconds(header: string | null): number {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : RETRY_AFTER_SECONDS_DEFAULT
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'unreadable' : `${issue.path.map(String).join('.') || 'answer'}: ${issue.message}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed'
  const cause = error.cause
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return error.message
}

/** Null when the body is longer than allowed. */
async function readBounded(response: Response, bytesMax: number): Promise<string | null> {
  if (response.body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength
    if (bytes > bytesMax) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
