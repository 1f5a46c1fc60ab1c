/** Prometheus remote write 1.0: snappy and protobuf are decoded by the engine, a record for each target's block. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RemoteWriteInvalid } from '../../rust-engine/ts/errors.ts'
import type { RemoteWriteDecoded, RemoteWriteDecoder } from '../../rust-engine/ts/remoteWrite.ts'
import { accessHook } from '../access.ts'
import { batchOf } from '../ingest/metricBatches.ts'
import type { Lane } from '../ingest/lane.ts'
import { recordOfBatch, type Encode } from '../ingest/recordOf.ts'
import { malformed, tooLarge, unsupported } from '../refusal.ts'
import { mediaType, rawBody } from '../requestBody.ts'
import { skewOf } from '../sources/untrue.ts'
import type { RouteContext } from './context.ts'

export interface RemoteWriteParts {
  readonly decoder: RemoteWriteDecoder
  readonly lane: Lane
  readonly encode: Encode
}

export function addRemoteWriteRoute(scope: FastifyInstance, context: RouteContext, parts: RemoteWriteParts): void {
  const { decoder, lane, encode } = parts
  scope.post('/api/v1/write', { onRequest: accessHook(context.token, lane, context.room) }, async (request, reply) => {
    requireRemoteWrite1(request)
    const mapping = context.mapping(request)
    const decoded = decode(decoder, rawBody(request), mapping.now)
    const batches = decoded.batches.map((batch) => batchOf(batch, mapping))
    const records = batches.map((batch) => recordOfBatch(batch, encode))
    try {
      await lane.publish(records)
    } catch (error) {
      // The labels may be lost with the records: they are announced again with the next samples.
      for (const batch of batches) decoder.forget(batch.target)
      throw error
    }
    for (const batch of batches) {
      const aheadMs = skewOf({ event: batch }, mapping.now)
      if (aheadMs !== null) context.telemetry.eventSkewed('remote_write', batch.service, aheadMs)
    }
    const accepted = batches.reduce((sum, batch) => sum + batch.samples, 0)
    context.telemetry.samplesAccepted(batches.length, accepted)
    // As Prometheus does: what is right is kept, and the sender is told of the rest, which a repeat would not mend.
    if (decoded.ahead > 0) {
      throw malformed(
        'timestamp',
        `${decoded.ahead} samples are more than 10 minutes ahead of the clock and were left out; the other ${accepted} were accepted`,
      )
    }
    return reply.code(204).send()
  })
}

function decode(decoder: RemoteWriteDecoder, body: Buffer, now: number): RemoteWriteDecoded {
  try {
    return decoder.decode(body, now)
  } catch (error) {
    if (error instanceof RemoteWriteInvalid) {
      throw (error.aboveLimit ? tooLarge : malformed)(error.field, error.reason)
    }
    throw error
  }
}

function requireRemoteWrite1(request: FastifyRequest): void {
  const type = mediaType(request)
  const parameters = request.headers['content-type'] ?? ''
  const version = request.headers['x-prometheus-remote-write-version']
  if (type !== 'application/x-protobuf') {
    throw unsupported(`content-type ${type === '' ? '(none)' : type} is not accepted here: send application/x-protobuf`)
  }
  const message = /;\s*proto\s*=\s*"?([\w.]+)/i.exec(parameters)?.[1] ?? 'prometheus.WriteRequest'
  if (message !== 'prometheus.WriteRequest' || (typeof version === 'string' && !/^(0\.1|1)\./.test(version))) {
    throw unsupported(
      'only remote write 1.0 is accepted here (proto=prometheus.WriteRequest): set protobuf_message to it',
    )
  }
  if (request.headers['content-encoding'] !== 'snappy') throw unsupported('send the body with content-encoding: snappy')
}
