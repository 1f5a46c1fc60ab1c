/** Writes model records to their one partition. */
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { Publisher } from '../../runtime/kafka/port.ts'
import { MODELS_TOPIC } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'

export async function publishModels(
  publisher: Publisher,
  codec: Codec,
  records: readonly ModelOutgoing[],
): Promise<void> {
  if (records.length === 0) return
  await publisher.publish(
    records.map(({ key, value }) => ({
      topic: MODELS_TOPIC,
      partition: 0,
      key,
      value: value === null ? null : codec.encode(MODELS_TOPIC, value),
    })),
  )
}
