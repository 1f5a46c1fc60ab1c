/** A reader gives exactly the committed records up to the end, and knows when it is there, whatever the log ends with. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import type { Transaction } from 'kafkajs'
import { registerSchemas } from '../../infra/kafka/registerSchemas.ts'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { openCodec, type Codec } from '../../runtime/kafka/codec.ts'
import { createPublisher } from '../../runtime/kafka/publisher.ts'
import type { TopicReaderOptions } from '../../runtime/kafka/port.ts'
import { readTopic } from '../../runtime/kafka/topicReader.ts'
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

test('a compacted topic is read through its gaps, also from an offset that fell into one', async () => {
  const topic = 'devops.members'
  // As compact as the broker can make it: every batch a segment of its own.
  const admin = harness.kafka.admin()
  await admin.connect()
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'segment.ms', value: '50' },
          { name: 'min.cleanable.dirty.ratio', value: '0.001' },
        ],
      },
    ],
  })
  await admin.disconnect()
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  const member = (instance: string, at: number): Buffer =>
    codec.encode(topic, { instance, address: 'http://127.0.0.1:1', shards: [], since: 0, at })
  let written = 0
  const write = async (): Promise<void> => {
    const instance = `i${written % 3}`
    await publisher.publish([{ topic, partition: 0, key: instance, value: member(instance, ++written) }])
  }
  const readAll = async (from: 'beginning' | ReadonlyMap<number, bigint>): Promise<[string, number, bigint][]> => {
    const seen: [string, number, bigint][] = []
    const reader = await readTopic(harness.kafka, codec, {
      topic,
      from,
      follow: false,
      onRecord: (record, value) => {
        seen.push([value?.instance ?? '', value?.at ?? 0, record.offset])
      },
    })
    await reader.caughtUp
    await reader.close()
    return seen
  }
  let seen: [string, number, bigint][] = []
  for (let rounds = 0; rounds < 30; rounds++) {
    for (let i = 0; i < 10; i++) await write()
    // The cleaner comes round once a second, and leaves the newest segment alone.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    seen = await readAll('beginning')
    if (seen.length < written / 2) break
  }
  await publisher.close()
  assert.ok(seen.length < written / 2, `${seen.length} of ${written} left: nothing was compacted`)
  assert.equal(seen.at(-1)?.[1], written)
  const offsets = seen.map(([, , offset]) => offset)
  const gap = offsets.findIndex((offset, i) => i > 0 && offset > (offsets[i - 1] ?? 0n) + 3n)
  const inside = gap > 0 ? (offsets[gap] ?? 0n) - 2n : (offsets[0] ?? 0n) - 1n
  const later = await readAll(new Map([[0, inside]]))
  assert.deepEqual(
    later,
    seen.filter(([, , offset]) => offset >= inside),
  )
})
