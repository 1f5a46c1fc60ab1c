/** What a publisher tells: named events that log and count. */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Log } from '../telemetry/log.ts'

export interface PublisherTelemetry {
  batchAcknowledged(records: number, seconds: number): void
  producerReplaced(error: unknown): void
  kafkaUnreachable(error: unknown): void
  publishRejected(reason: string): void
}

interface PublisherMetrics {
  readonly records: Counter
  readonly seconds: Histogram
  readonly replaced: Counter
  readonly rejected: Counter<'reason'>
}

function metricsOf(registry: Registry): PublisherMetrics {
  const registers = [registry]
  return {
    records: new Counter({
      name: 'devops_kafka_published_records_total',
      help: 'Records that Kafka acknowledged.',
      registers,
    }),
    seconds: new Histogram({
      name: 'devops_kafka_publish_duration_seconds',
      help: 'Time from sending a batch to its acknowledgement by all replicas.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    replaced: new Counter({
      name: 'devops_kafka_replaced_producers_total',
      help: 'Producers given up after a failed send.',
      registers,
    }),
    rejected: new Counter({
      name: 'devops_kafka_rejected_publishes_total',
      help: 'Publishes that were not acknowledged, by reason.',
      labelNames: ['reason'],
      registers,
    }),
  }
}

/** One set for each registry, whatever the number of publishers in the process. */
const sets = new WeakMap<Registry, PublisherMetrics>()

export function createPublisherTelemetry(registry: Registry | null, log: Log): PublisherTelemetry {
  let metrics: PublisherMetrics | undefined
  if (registry !== null) {
    metrics = sets.get(registry) ?? metricsOf(registry)
    sets.set(registry, metrics)
  }
  return {
    batchAcknowledged(records, seconds) {
      metrics?.records.inc(records)
      metrics?.seconds.observe(seconds)
    },
    producerReplaced(error) {
      metrics?.replaced.inc()
      log.warn({ event: 'producer_replaced', err: error }, 'a send failed: the next one gets a new producer')
    },
    kafkaUnreachable(error) {
      log.warn({ event: 'kafka_unreachable', err: error }, 'no broker answers: trying again')
    },
    publishRejected(reason) {
      metrics?.rejected.inc({ reason })
    },
  }
}
