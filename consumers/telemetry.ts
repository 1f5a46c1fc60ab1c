/** What the consumer process tells of itself beside its parts. */
import { Counter, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../runtime/telemetry/log.ts'
import type { ModelRecord } from '../schemas/generated/events.ts'
import type { QueryName } from '../schemas/queries/queries.ts'
import type { TopicName } from '../schemas/topics.ts'

export type ConsumerTelemetry = ReturnType<typeof createConsumerTelemetry>

export function createConsumerTelemetry(registry: Registry, log: Log) {
  const registers = [registry]
  new Counter({
    name: 'devops_remediations_total',
    help: 'Remediations carried out; 0 until that feature comes.',
    registers,
  }).inc(0)
  const queries = new Histogram({
    name: 'devops_query_duration_seconds',
    help: 'Time to answer a query, without the network.',
    labelNames: ['query'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
    registers,
  })
  const visible = new Histogram({
    name: 'devops_event_visible_seconds',
    help: 'Time from the acceptance of an event by its gateway to the state that queries see, by topic.',
    labelNames: ['topic'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  })
  const models = new Counter({
    name: 'devops_model_records_total',
    help: 'Records of devops.models that were read, by what became of them.',
    labelNames: ['result'],
    registers,
  })
  return {
    started(
      instance: string,
      address: string,
      modelsBy: string,
      unused: readonly string[],
      settings: Readonly<Record<string, unknown>>,
    ): void {
      log.info({ event: 'consumer_started', instance, address, modelsBy, settings }, 'consumer starts')
      if (unused.length > 0) log.warn({ event: 'keys_unused', unused }, 'keys are set whose feature is still to come')
    },
    snapshotsOpened(folder: string, leftAlone: readonly string[]): void {
      if (leftAlone.length > 0)
        log.warn({ event: 'state_left_alone', folder, leftAlone }, 'state of another Kafka cluster is left alone')
    },
    queryAnswered(query: QueryName, tookMs: number): void {
      queries.observe({ query }, tookMs / 1000)
    },
    eventVisible(topic: TopicName, tookMs: number): void {
      // The gateway's clock may be ahead of ours.
      visible.observe({ topic }, Math.max(tookMs, 0) / 1000)
    },
    topicReopened: (topic: string, cause: Error): void => {
      log.warn({ event: 'topic_reopened', topic, err: cause }, 'reading stopped and begins anew')
    },
    modelRecordRead({ kind, model, stage, sha256 }: ModelRecord): void {
      models.inc({ result: 'read' })
      if (kind === 'stage')
        log.info({ event: 'model_staged', model, stage, version: sha256 }, 'model changed its stage')
    },
    modelRefused(record: ModelRecord | null, cause: Error): void {
      models.inc({ result: 'refused' })
      log.error(
        { event: 'model_refused', model: record?.model, version: record?.sha256, err: cause },
        'a model cannot be used',
      )
    },
  }
}
