/** A whole gateway without a network: the real server, routes and encoding over a log that is kept in memory. */
import { createHmac } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Registry } from 'prom-client'
import { createHttpServer } from '../runtime/http/server.ts'
import type { OutgoingRecord, Publisher } from '../runtime/kafka/port.ts'
import { createLog } from '../runtime/telemetry/log.ts'
import { createRegistry } from '../runtime/telemetry/metrics.ts'
import { createRemoteWriteDecoder } from '../rust-engine/ts/remoteWrite.ts'
import type { TopicName } from '../schemas/topics.ts'
import { addGateway, type GatewayParts } from './gateway.ts'
import { Lane } from './ingest/lane.ts'
import { mappingWith, NOW, typeOf } from './sources/mappingUnderTest.ts'
import { createGatewayTelemetry } from './telemetry.ts'

export const SECRET = 'a secret for tests only'
const BODY_BYTES_MAX = 256 * 1024

/** Kafka as the gateway sees it: takes records, or says why not. */
export class MemoryLog implements Publisher {
  readonly records: OutgoingRecord[] = []
  /** What the next publishes reject with. */
  trouble: Error | null = null

  publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.trouble !== null) return Promise.reject(this.trouble)
    this.records.push(...records)
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  read(topic: TopicName): unknown[] {
    return this.records
      .filter((record) => record.topic === topic)
      .map(({ value }): unknown => typeOf(topic).fromBuffer(value ?? Buffer.alloc(0)))
  }
}

export interface GatewayUnderTest {
  readonly server: FastifyInstance
  readonly log: MemoryLog
  readonly registry: Registry
  readonly post: (
    url: string,
    body: string | Buffer,
    headers?: Record<string, string>,
  ) => Promise<LightMyRequestResponse>
}

export async function gatewayUnderTest(
  own: Partial<GatewayParts> & { heldBytesMax?: number } = {},
): Promise<GatewayUnderTest> {
  const log = new MemoryLog()
  const registry = createRegistry('gateway')
  const silent = createLog('gateway', 'silent')
  const telemetry = createGatewayTelemetry(registry, silent, () => NOW)
  const server = createHttpServer({
    process: 'gateway',
    proxied: true,
    host: '127.0.0.1',
    port: 0,
    registry,
    log: silent,
    ready: () => ({ ready: true, detail: {} }),
    bodyBytesMax: BODY_BYTES_MAX,
  })
  const mapping = mappingWith()
  const heldBytesMax = own.heldBytesMax ?? 1024 * 1024
  await addGateway(server, {
    token: null,
    githubWebhookSecret: SECRET,
    githubLookups: null,
    bodyBytesMax: BODY_BYTES_MAX,
    eventsPerRequestMax: 100,
    inFlightBytesMax: 3 * 1024 * 1024,
    catalog: mapping.catalog,
    pseudonym: mapping.pseudonym,
    encode: (topic, value) => typeOf(topic).toBuffer(value),
    eventLane: new Lane(log, heldBytesMax, telemetry.lane('events')),
    metricLane: new Lane(log, heldBytesMax, telemetry.lane('metrics')),
    decoder: createRemoteWriteDecoder({
      seriesMax: 1_000,
      samplesMax: 10_000,
      decodedBytesMax: 4 * 1024 * 1024,
      labelBytesMax: 16 * 1024,
    }),
    telemetry,
    now: () => NOW,
    ...own,
  })
  return {
    server,
    log,
    registry,
    post: (url, body, headers = {}) =>
      server.inject({
        method: 'POST',
        url,
        payload: body,
        headers: { 'content-type': 'application/json', ...headers },
      }),
  }
}

export function signed(kind: string, body: string | Buffer): Record<string, string> {
  const signature = createHmac('sha256', SECRET).update(body).digest('hex')
  return { 'x-github-event': kind, 'x-hub-signature-256': `sha256=${signature}` }
}

export interface ErrorAnswer {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly retryable: boolean
    readonly field?: string
  }
}
