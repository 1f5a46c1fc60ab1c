/** Prometheus remote write 1.0: a request's body in, the batches of its targets out. */
import { addon } from './addon.ts'
import { named, SharedMemoryRefused } from './errors.ts'

export interface RemoteWriteLimits {
  readonly seriesMax: number
  readonly samplesMax: number
  readonly decodedBytesMax: number
  /** Names and values of one series' labels. */
  readonly labelBytesMax: number
}

export interface RemoteWriteBatch {
  /** Its identity labels as text, e.g. `{instance="…",job="…"}`; `{}` where a series has none. */
  readonly target: string
  /** Its identity labels: job, instance, and those that name a service or an environment. */
  readonly labels: Readonly<Record<string, string>>
  readonly samples: number
  readonly series: number
  /** Labels of series not announced within the hour; empty when all were. */
  readonly announced: Uint8Array
  readonly block: Uint8Array
  /** Largest sample timestamp, ms. */
  readonly latestMs: number
}

export interface RemoteWriteDecoded {
  /** Each fits a Kafka record; a target may have several. */
  readonly batches: readonly RemoteWriteBatch[]
  /** Samples left out because they are more than 10 minutes ahead of `nowMs`. */
  readonly ahead: number
}

export interface RemoteWriteDecoder {
  /** Throws `RemoteWriteInvalid { field, reason }`. */
  decode(body: Uint8Array, nowMs: number): RemoteWriteDecoded
  /** After a failed publish: the target's series are announced again with its next batch. */
  forget(target: string): void
}

interface DescribedBatch extends Omit<RemoteWriteBatch, 'announced' | 'block'> {
  readonly announcedBytes: number
  readonly blockBytes: number
}

/** A decoder that has announced no series yet; it remembers up to half a million. */
export function createRemoteWriteDecoder(limits: RemoteWriteLimits): RemoteWriteDecoder {
  const decoder = named(() => addon.openRemoteWrite(JSON.stringify(limits)))
  return {
    decode(body, nowMs) {
      if (body.buffer instanceof SharedArrayBuffer) throw new SharedMemoryRefused('body')
      const [described, bytes, ahead] = named(() => addon.decodeRemoteWrite(decoder, body, nowMs))
      let offset = 0
      const take = (length: number) => {
        offset += length
        return new Uint8Array(bytes, offset - length, length)
      }
      const batches = (JSON.parse(described) as DescribedBatch[]).map(({ announcedBytes, blockBytes, ...batch }) => ({
        ...batch,
        announced: take(announcedBytes),
        block: take(blockBytes),
      }))
      return { batches, ahead }
    },
    forget(target) {
      addon.forgetTarget(decoder, target)
    },
  }
}
