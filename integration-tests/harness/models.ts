/** Publishes models as the trainer would, and waits until the consumer answers with them. */
import { join } from 'node:path'
import { digestOf } from '../../consumers/models/weights.ts'
import { stageRecord, weightsRecord } from '../../consumers/trainer/modelRecords.ts'
import { openCodec } from '../../runtime/kafka/codec.ts'
import { silentLog } from './kafka.ts'
import type { System } from './system.ts'
import { eventually } from './system.ts'

/** The version. One set of weights may be champion of several models: their features are the same. */
export async function publishChampion(system: System, models: readonly string[], weights: Buffer): Promise<string> {
  const codec = await openCodec({
    registryUrl: system.bus.registryUrl,
    cacheFolder: join(system.folder, 'model-schemas'),
    log: silentLog,
  })
  const version = digestOf(weights)
  const [first = ''] = models
  const records = [
    weightsRecord(first, version, weights, '{}', Date.now()),
    ...models.map((model) => stageRecord(model, version, 'champion', '{}', Date.now(), 'won')),
  ]
  const producer = system.bus.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({
    topic: 'devops.models',
    acks: -1,
    messages: records.map(({ key, value }) => ({
      key,
      partition: 0,
      value: value === null ? null : codec.encode('devops.models', value),
    })),
  })
  await producer.disconnect()
  for (const model of models) await championOf(system, model)
  return version
}

/** The version of the champion, once the consumer has it. */
export async function championOf(system: System, model: string, withinMs = 60_000): Promise<string> {
  return eventually(
    `the consumer has a ${model} model`,
    async () => {
      const health = (await system.query('get_health', {})) as {
        models: { model: string; stage: string; version: string }[]
      }
      return health.models.find((one) => one.model === model && one.stage === 'champion')?.version ?? null
    },
    withinMs,
  )
}
