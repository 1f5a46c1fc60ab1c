import type { OutgoingRecord } from '../../runtime/kafka/port.ts'
import { partitionOf, type TopicName } from '../../schemas/topics.ts'
import type { MetricBatch } from '../../schemas/generated/events.ts'
import type { TopicEvent } from '../sources/mapping.ts'

export type Encode = (topic: TopicName, value: object) => Buffer

/** All of a service's records lie in one partition; the topic of resources is compacted by the resource. */
export function recordOf({ topic, event }: TopicEvent, encode: Encode): OutgoingRecord {
  return {
    topic,
    partition: partitionOf(event.service),
    key: topic === 'devops.infrastructure' ? event.resource : event.service,
    value: encode(topic, event),
  }
}

export function recordOfBatch(batch: MetricBatch, encode: Encode): OutgoingRecord {
  return {
    topic: 'devops.metrics',
    partition: partitionOf(batch.service),
    key: batch.target,
    value: encode('devops.metrics', batch),
  }
}
