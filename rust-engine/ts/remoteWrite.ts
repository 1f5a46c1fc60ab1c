/** Prometheus remote write 1.0: a request's body in, one batch for each scrape target out (several where a block has too few rows). */
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
  /** Identity of the scrape target, as `{instance="…",job="…"}`; `{}` where a series has neither. */
  readonly target: string
  /** Target labels on which all its series agree. */
  readonly labels: Readonly<Record<string, string>>
  readonly samples: number
  readonly series: number
  /** Labels of series not announced within the hour; empty when all were. */
  readonly announced: Uint8Array
  readonly block: Uint8Array
  /** Largest sample timestamp, ms. */
  readonly latestMs: number
}

export interface RemoteWriteDecoder {
  /** Throws `RemoteWriteInvalid { field, reason }`. */
  decode(body: Uint8Array, nowMs: number): readonly RemoteWriteBatch[]
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
      const [described, bytes] = named(() => addon.decodeRemoteWrite(decoder, body, nowMs))
      let offset = 0
      const take = (length: number) => {
        offset += length
        return new Uint8Array(bytes, offset - length, length)
      }
      return (JSON.parse(described) as DescribedBatch[]).map(({ announcedBytes, blockBytes, ...batch }) => ({
        ...batch,
        announced: take(announcedBytes),
        block: take(blockBytes),
      }))
    },
    forget(target) {
      addon.forgetTarget(decoder, target)
    },
  }
}
