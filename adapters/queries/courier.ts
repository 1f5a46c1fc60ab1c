/** Brings a question to the owner that must answer it, through moves, restores and short absences, within a bounded time. */
import { partitionOf } from '../../schemas/topics.ts'
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import type { Directory } from './directory.ts'
import { BadAnswer, Cancelled, InvalidInput, NotFound, PredictionLate, Restoring, Unavailable } from './errors.ts'
import type { QueryLimits } from './limits.ts'
import type { OwnerRequests, Reply } from './ownerRequest.ts'

export interface CourierDependencies {
  readonly directory: Directory
  readonly requests: OwnerRequests
  readonly limits: QueryLimits
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly asked: (outcome: Reply<unknown>['kind']) => void
}

export interface Courier {
  /** Asks the owner of the service's shard. */
  toService<Name extends QueryName>(
    service: string,
    name: Name,
    input: object,
    signal: AbortSignal,
  ): Promise<QueryOutput<Name>>
  /** Asks this very owner. */
  toOwner<Name extends QueryName>(
    address: string,
    name: Name,
    input: object,
    signal: AbortSignal,
  ): Promise<QueryOutput<Name>>
}

type Trouble = Exclude<Reply<unknown>, { readonly kind: 'ok' }>

export function createCourier(dependencies: CourierDependencies): Courier {
  const { directory, requests, limits, now, sleep, asked } = dependencies

  async function ownerOf(shard: number): Promise<string> {
    const known = (await directory.current()).ownerOfShard.get(shard)
    const owner = known ?? (await directory.refresh()).ownerOfShard.get(shard)
    if (owner === undefined) throw new Unavailable(`no consumer owns shard ${shard} at the moment`)
    return owner
  }

  async function ask<Name extends QueryName>(address: string, name: Name, input: object, signal: AbortSignal) {
    if (signal.aborted) throw new Cancelled()
    const reply = await requests.query(address, name, input, signal)
    asked(reply.kind)
    return reply
  }

  return {
    async toService(service, name, input, signal) {
      const deadline = now() + limits.patienceMs
      const shard = partitionOf(service)
      let address = await ownerOf(shard)
      for (;;) {
        const reply = await ask(address, name, input, signal)
        if (reply.kind === 'ok') return reply.value
        const pauseMs = pauseBefore(reply, limits)
        if (pauseMs === null || now() + pauseMs >= deadline) throw failureOf(reply, address, signal)
        await sleep(pauseMs, signal)
        address = reply.kind === 'wrong_owner' ? reply.address : await nextOwner(shard, address)
      }
    },
    async toOwner(address, name, input, signal) {
      const deadline = now() + limits.listPatienceMs
      for (;;) {
        const reply = await ask(address, name, input, signal)
        if (reply.kind === 'ok') return reply.value
        const pauseMs = reply.kind === 'wrong_owner' ? null : pauseBefore(reply, limits)
        if (pauseMs === null || now() + pauseMs >= deadline) throw failureOf(reply, address, signal)
        await sleep(pauseMs, signal)
      }
    },
  }

  /** The shard may have moved while its owner did not answer; with nobody to tell, the same owner is tried again. */
  async function nextOwner(shard: number, address: string): Promise<string> {
    try {
      return (await directory.refresh()).ownerOfShard.get(shard) ?? address
    } catch (error) {
      if (error instanceof Unavailable) return address
      throw error
    }
  }
}

/** Null: asking again does not help. */
function pauseBefore(reply: Trouble, limits: QueryLimits): number | null {
  switch (reply.kind) {
    case 'wrong_owner':
      // Two owners that point at each other during a move are asked until the patience ends, not in a hot loop.
      return limits.retryDelayMs / 10
    case 'restoring':
      return Math.max(reply.retryAfterSeconds * 1000, limits.retryDelayMs)
    case 'unreachable':
      return limits.retryDelayMs
    case 'invalid':
    case 'not_found':
    case 'late':
    case 'bad':
      return null
  }
}

function failureOf(reply: Trouble, address: string, signal: AbortSignal): Error {
  if (signal.aborted) return new Cancelled()
  switch (reply.kind) {
    case 'invalid':
      return new InvalidInput(reply.field, reply.reason)
    case 'not_found':
      return new NotFound(reply.message)
    case 'restoring':
      return new Restoring(address, reply.retryAfterSeconds)
    case 'wrong_owner':
      return new Unavailable(`the shard is moving; the consumer at ${address} does not own it now`)
    case 'unreachable':
      return new Unavailable(`the consumer at ${address} does not answer: ${reply.reason}`)
    case 'late':
      return new PredictionLate(address, reply.afterMs)
    case 'bad':
      return new BadAnswer(address, reply.reason)
  }
}
