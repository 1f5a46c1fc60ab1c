/** Decoded parts of remote-write targets → one MetricBatch each. */
import { createHash } from 'node:crypto'
import type { RemoteWriteBatch } from '../../rust-engine/ts/remoteWrite.ts'
import type { MetricBatch } from '../../schemas/generated/events.ts'
import { namesOfLabels } from '../sources/labelNames.ts'
import type { Mapping } from '../sources/mapping.ts'

export function batchOf(decoded: RemoteWriteBatch, mapping: Mapping): MetricBatch {
  const { service, environment } = mapping.catalog.resolve(namesOfLabels(decoded.labels))
  return {
    // A repeat of the same samples has the same block, whether or not its labels are announced with it.
    id: createHash('sha256').update(decoded.target).update('\n').update(decoded.block).digest('hex').slice(0, 32),
    occurredAt: decoded.latestMs,
    receivedAt: mapping.now,
    source: 'prometheus',
    service,
    environment,
    trace: mapping.trace,
    target: decoded.target,
    samples: decoded.samples,
    series: decoded.series,
    announced: bufferOf(decoded.announced),
    block: bufferOf(decoded.block),
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
