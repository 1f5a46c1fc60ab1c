/** Why a query has no answer here, as the HTTP answer that says so. */
import { HttpError } from '../../runtime/http/errors.ts'

const RETRY_SECONDS = 1

export const notFound = (what: string): HttpError => new HttpError(404, 'not_found', `${what} is not known`)

export const invalidInput = (field: string, reason: string): HttpError =>
  new HttpError(400, 'invalid_input', reason, { field })

export const wrongOwner = (shard: number, address: string): HttpError =>
  new HttpError(421, 'wrong_owner', `shard ${shard} is answered by ${address}`, { more: { address } })

/** Nobody answers for the shard right now: it restores here, or moves. */
export const restoring = (shard: number): HttpError =>
  new HttpError(503, 'restoring', `shard ${shard} is being restored; ask again`, {
    headers: { 'retry-after': String(RETRY_SECONDS) },
  })

/** Too many large questions wait already. */
export const busy = (): HttpError =>
  new HttpError(503, 'busy', 'too many questions of this size are being answered; ask again', {
    headers: { 'retry-after': String(RETRY_SECONDS) },
  })
