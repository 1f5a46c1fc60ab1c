/** The schemas of a batch, within a time that the group can wait for: no member beats while it works on a batch. */
import type { Codec } from '../../runtime/kafka/codec.ts'

export const PREPARATION_MS_MAX = 1000

export class PreparationTooLong extends Error {
  override readonly name = 'PreparationTooLong'
  readonly retryable = true
  constructor(msMax: number) {
    super(`the schema registry has not answered within ${msMax} ms`)
  }
}

/** Null when all of them are at hand, else why not yet; throws what no repeat can mend. */
export async function preparation(
  codec: Pick<Codec, 'prepare'>,
  values: readonly (Buffer | null)[],
  msMax: number = PREPARATION_MS_MAX,
): Promise<Error | null> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    limit.reject(new PreparationTooLong(msMax))
  }, msMax)
  try {
    await Promise.race([codec.prepare(values), limit.promise])
    return null
  } catch (error) {
    if ((error as { retryable?: unknown }).retryable !== true) throw error
    return error as Error
  } finally {
    clearTimeout(timer)
  }
}
