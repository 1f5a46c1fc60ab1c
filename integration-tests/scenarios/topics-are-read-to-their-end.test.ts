/** A reader gives exactly the committed records up to the end, and knows when it is there, whatever the log ends with. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import type { Transaction } from 'kafkajs'
import { registerSchemas } from '../../infra/kafka/registerSchemas.ts'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { openCodec, type Codec } from '../../runtime/kafka/codec.ts'
import { createPublisher } from '../../runtime/kafka/publisher.ts'
import { readTopic, type TopicReaderOptions } from '../../runtime/kafka/topicReader.ts'
import type { Tick } from '../../schemas/generated/events.ts'
import { silentLog, startKafka, type KafkaHarness } from '../harness/kafka.ts'

const TOPIC = 'devops.ticks'

let harness: KafkaHarness
let codec: Codec
before(async () => {
  harness = await startKafka({ broker: true, registry: true })
  await ensureTopics(harness.kafka)
  await registerSchemas(harness.registryUrl)
  const cacheFolder = join(harness.folder, 'schemas')
  codec = await openCodec({ registryUrl: harness.registryUrl, cacheFolder, log: silentLog })
})
after(async () => {
  await harness.stop()
})

const encoded = (partition: number, at: number): Buffer => codec.encode(TOPIC, { shard: partition, at, instance: 'x' })

async function publish(partition: number, ats: readonly number[]): Promise<void> {
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  await publisher.publish(ats.map((at) => ({ topic: TOPIC, partition, key: null, value: encoded(partition, at) })))
  await publisher.close()
}

/** Each step is a transaction of its own. */
async function transact(
  partition: number,
  steps: readonly { ats: readonly number[]; commit: boolean }[],
): Promise<void> {
  const producer = harness.kafka.producer({
    transactionalId: `t-${partition}`,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  for (const { ats, commit } of steps) {
    const transaction: Transaction = await producer.transaction()
    const messages = ats.map((at) => ({ partition, value: encoded(partition, at) }))
    await transaction.send({ topic: TOPIC, messages })
    await (commit ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

/** What a reader that stops at the ends gives, by partition. */
async function read(
  options: Pick<TopicReaderOptions<typeof TOPIC>, 'partitions' | 'from'>,
): Promise<{ seen: Record<number, number[]>; starts: ReadonlyMap<number, bigint> }> {
  const seen: Record<number, number[]> = {}
  const reader = await readTopic(harness.kafka, codec, {
    topic: TOPIC,
    follow: false,
    ...options,
    onRecord: (record, value) => {
      assert.ok(value !== null && record.at > 0)
      ;(seen[record.partition] ??= []).push(value.at)
    },
  })
  await reader.caughtUp
  await reader.close()
  return { seen, starts: reader.starts }
}

test('an empty topic is at its end at once', async () => {
  const { seen, starts } = await read({ from: 'beginning' })
  assert.deepEqual(seen, {})
  assert.equal(starts.size, 12)
})

test('aborted transactions are left out, and a log that ends with them has an end', async () => {
  await publish(0, [1, 2, 3])
  await transact(1, [
    { ats: [1, 2], commit: true },
    { ats: [90, 91], commit: false },
    { ats: [3], commit: true },
    { ats: [92], commit: false },
    { ats: [93], commit: false },
  ])
  await transact(2, [{ ats: [94], commit: false }])
  const { seen } = await read({ from: 'beginning' })
  assert.deepEqual(seen, { 0: [1, 2, 3], 1: [1, 2, 3] })
})

test('chosen partitions from chosen offsets; an offset that is gone or not there yet starts at the beginning', async () => {
  await publish(4, [1, 2, 3, 4])
  await publish(5, [1, 2])
  await publish(6, [1])
  const { seen, starts } = await read({
    partitions: [4, 5, 7],
    from: new Map([
      [4, 2n],
      [5, 99n],
    ]),
  })
  assert.deepEqual(seen, { 4: [3, 4], 5: [1, 2] })
  assert.deepEqual(Object.fromEntries(starts), { 4: 2n, 5: 0n, 7: 0n })
})

test('from the end there is nothing to wait for', async () => {
  await publish(8, [1, 2])
  assert.deepEqual((await read({ partitions: [8], from: new Map([[8, 2n]]) })).seen, {})
})

test('a follower goes on after the end, in order, and misses nothing', async () => {
  await publish(9, [1, 2])
  const seen: number[] = []
  const enough = Promise.withResolvers<undefined>()
  const reader = await readTopic(harness.kafka, codec, {
    topic: TOPIC,
    partitions: [9],
    from: 'beginning',
    follow: true,
    onRecord: async (_record, value: Tick | null) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      seen.push(value?.at ?? -1)
      if (seen.length === 52) enough.resolve(undefined)
    },
  })
  await reader.caughtUp
  assert.deepEqual(seen, [1, 2])
  await publish(
    9,
    Array.from({ length: 50 }, (_, i) => i + 3),
  )
  await enough.promise
  await reader.close()
  assert.deepEqual(
    seen,
    Array.from({ length: 52 }, (_, i) => i + 1),
  )
})

test('a handler that fails, and a record that cannot be decoded, end the reader with the reason', async () => {
  await publish(10, [1])
  const failing = await readTopic(harness.kafka, codec, {
    topic: TOPIC,
    partitions: [10],
    from: 'beginning',
    follow: true,
    onRecord: () => {
      throw new Error('no room')
    },
  })
  await assert.rejects(failing.caughtUp, /no room/)
  await failing.close()

  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  await publisher.publish([{ topic: TOPIC, partition: 11, key: null, value: Buffer.from('not ours') }])
  await publisher.publish([{ topic: TOPIC, partition: 11, key: null, value: encoded(11, 7) }])
  await publisher.publish([{ topic: TOPIC, partition: 11, key: 'k', value: null }])
  await publisher.close()
  const options = { topic: TOPIC, partitions: [11], from: 'beginning', follow: false } as const
  const strict = await readTopic(harness.kafka, codec, { ...options, onRecord: () => undefined })
  await assert.rejects(strict.caughtUp, { name: 'Undecodable' })
  await strict.close()

  const reasons: string[] = []
  const values: (number | null)[] = []
  const lenient = await readTopic(harness.kafka, codec, {
    ...options,
    onRecord: (_record, value) => {
      values.push(value?.at ?? null)
    },
    onUndecodable: (_record, error) => reasons.push(error.reason),
  })
  await lenient.caughtUp
  await lenient.close()
  assert.deepEqual([reasons, values], [['not_framed'], [7, null]])
})
