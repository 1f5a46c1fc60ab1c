/** Acknowledged = stored, once the broker is back; not acknowledged = said so in bounded time; and publishing goes on. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { KafkaUnavailable, RecordTooLarge } from '../../runtime/kafka/errors.ts'
import { createPublisher } from '../../runtime/kafka/publisher.ts'
import type { OutgoingRecord } from '../../runtime/kafka/port.ts'
import { committedOffsets } from '../../runtime/kafka/shardOffsets.ts'
import { openTransactor } from '../../runtime/kafka/transactor.ts'
import { OutcomeUnknown } from '../../runtime/kafka/transactorErrors.ts'
import { silentLog, startKafka, type KafkaHarness } from '../harness/kafka.ts'

const TIMEOUT_MS = 3_000
const PARTITIONS = 3

let harness: KafkaHarness
before(async () => {
  harness = await startKafka({ broker: true, registry: false })
})
after(async () => {
  await harness.stop()
})

async function createTopic(topic: string, config: Readonly<Record<string, string>> = {}): Promise<void> {
  await ensureTopics(harness.kafka, { [topic]: { partitions: PARTITIONS, schema: 'Tick', config } })
}

/** Values of each partition, in order. */
async function stored(topic: string): Promise<string[][]> {
  const admin = harness.kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  let left = ends.reduce((sum, { high }) => sum + Number(high), 0)
  const values: string[][] = Array.from({ length: PARTITIONS }, () => [])
  if (left === 0) return values
  const consumer = harness.kafka.consumer({
    groupId: `check-${topic}-${left}-${performance.now()}`,
    maxWaitTimeInMs: 100,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          values[partition]?.push(message.value?.toString() ?? '')
          if (--left === 0) resolve()
          return Promise.resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return values
}

const record = (topic: string, partition: number, value: string): OutgoingRecord => ({
  topic,
  partition,
  key: 'k',
  value: Buffer.from(value),
})

test('many publishes at once arrive whole, in order, once', async () => {
  await createTopic('many')
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  const all = Array.from({ length: 2_000 }, (_, i) => record('many', i % PARTITIONS, String(i)))
  await Promise.all(all.map((each) => publisher.publish([each])))
  await publisher.close()
  const values = await stored('many')
  for (const [partition, found] of values.entries()) {
    const wanted = all.filter((each) => each.partition === partition).map((each) => each.value?.toString())
    assert.deepEqual(found, wanted)
  }
})

test('a publish larger than one record batch may be is split, a record too large is refused', async () => {
  await createTopic('large')
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  const values = Array.from({ length: 5 }, (_, i) => String(i).repeat(600_000))
  await publisher.publish(values.map((value) => record('large', 1, value)))
  await assert.rejects(publisher.publish([record('large', 0, 'x'.repeat(1_100_000))]), RecordTooLarge)
  await publisher.publish([record('large', 0, 'after')])
  await publisher.close()
  assert.deepEqual(await stored('large'), [['after'], values, []])
})

test('a broker that takes less than expected refuses only what is too large, and loses nothing else', async () => {
  await createTopic('narrow', { 'max.message.bytes': '2000' })
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  // One batch: the same producer answers for all three.
  const outcomes = await Promise.allSettled([
    publisher.publish([record('narrow', 0, 'a')]),
    publisher.publish([record('narrow', 0, 'b'.repeat(3_000))]),
    publisher.publish([record('narrow', 0, 'c'), record('narrow', 1, 'd')]),
  ])
  assert.deepEqual(
    outcomes.map((each) => (each.status === 'fulfilled' ? 'stored' : (each.reason as Error).name)),
    ['stored', 'RecordTooLarge', 'stored'],
  )
  // The sequence numbers of the failed request must not make the broker take these for repeats.
  for (const value of ['e', 'f', 'g']) await publisher.publish([record('narrow', 0, value), record('narrow', 1, value)])
  await publisher.close()
  const [first, second] = await stored('narrow')
  assert.deepEqual(new Set(first), new Set(['a', 'c', 'e', 'f', 'g']))
  assert.deepEqual(second?.slice(-3), ['e', 'f', 'g'])
})

test('what the topic has no partition for is refused, never silently left out', async () => {
  await createTopic('few')
  const publisher = await createPublisher(harness.kafka, { log: silentLog })
  const beyond = record('few', PARTITIONS, 'beyond')
  // One batch: what is beside it is acknowledged all the same.
  const outcomes = await Promise.allSettled([
    publisher.publish([record('few', 0, 'a')]),
    publisher.publish([beyond]),
    publisher.publish([record('few', 1, 'b'), beyond]),
    publisher.publish([record('few', 2, 'c')]),
  ])
  assert.deepEqual(
    outcomes.map((each) => (each.status === 'fulfilled' ? 'stored' : (each.reason as Error).name)),
    ['stored', 'KafkaUnavailable', 'KafkaUnavailable', 'stored'],
  )
  await publisher.publish([record('few', 0, 'd')])
  await publisher.close()
  assert.deepEqual(await stored('few'), [['a', 'd'], ['b'], ['c']])
})

test('a transaction commits no offsets without all of its outputs', async () => {
  await createTopic('halves')
  const groupId = 'halves-group'
  const open = () =>
    openTransactor(harness.kafka, { transactionalId: 'halves', groupId, partition: 0, isWanted: () => true })
  const outputs = [record('halves', 0, 'a'), record('halves', PARTITIONS, 'beyond')]
  const transactor = await open()
  await assert.rejects(transactor.transact(outputs, new Map([['halves', 7n]])), OutcomeUnknown)
  await transactor.close()
  const admin = harness.kafka.admin()
  await admin.connect()
  const committed = await committedOffsets(admin, groupId, ['halves'])
  await admin.disconnect()
  assert.equal(committed.get('halves')?.get(0), -1n)
  const second = await open()
  assert.equal((await second.transact([record('halves', 0, 'b')], new Map([['halves', 7n]]))).ends.size, 1)
  await second.close()
})

test('a killed broker: publishes fail in bounded time, and go on after it is back', async () => {
  await createTopic('lost')
  const publisher = await createPublisher(harness.kafka, { log: silentLog, publishTimeoutMs: TIMEOUT_MS })
  const acknowledged: string[] = []
  const failed: { value: string; afterMs: number }[] = []
  let sequence = 0
  const over = new AbortController()
  const load = (async () => {
    const pending: Promise<void>[] = []
    while (!over.signal.aborted) {
      const value = String(sequence++)
      const began = performance.now()
      pending.push(
        publisher.publish([record('lost', sequence % PARTITIONS, value)]).then(
          () => {
            acknowledged.push(value)
          },
          (error: unknown) => {
            assert.ok(error instanceof KafkaUnavailable && error.retryable)
            failed.push({ value, afterMs: performance.now() - began })
          },
        ),
      )
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await Promise.all(pending)
  })()
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  await pause(1_000)
  await harness.killBroker()
  await pause(TIMEOUT_MS + 2_000)
  await harness.startBroker()
  const before = acknowledged.length
  for (let waited = 0; acknowledged.length < before + 100 && waited < 60_000; waited += 100) await pause(100)
  over.abort()
  await load
  await publisher.close()

  assert.ok(acknowledged.length >= before + 100, `${acknowledged.length} acknowledged, ${before} before the restart`)
  assert.ok(failed.length > 0)
  for (const { value, afterMs } of failed)
    assert.ok(afterMs < TIMEOUT_MS + 1_500, `${value} failed after ${afterMs} ms`)
  const found = (await stored('lost')).flat()
  const counts = Map.groupBy(found, (value) => value)
  assert.deepEqual(
    acknowledged.filter((value) => !counts.has(value)),
    [],
    'acknowledged, but not there',
  )
  assert.deepEqual(
    acknowledged.filter((value) => (counts.get(value)?.length ?? 0) > 1),
    [],
    'acknowledged once, there twice',
  )
})

test('without any broker connecting ends with KafkaUnavailable', async () => {
  await harness.killBroker()
  await assert.rejects(
    createPublisher(harness.kafka, { log: silentLog, publishTimeoutMs: TIMEOUT_MS }),
    KafkaUnavailable,
  )
})
