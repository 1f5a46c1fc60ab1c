/** The admin step makes what is missing, says what differs, and changes nothing that is there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import kafkajs from 'kafkajs'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { TOPICS } from '../../schemas/topics.ts'
import { startKafka, type KafkaHarness } from '../harness/kafka.ts'

let harness: KafkaHarness
before(async () => {
  harness = await startKafka({ broker: true, registry: false })
})
after(async () => {
  await harness.stop()
})

test('a topic that is there with other settings is reported, not changed; the rest is created', async () => {
  const admin = harness.kafka.admin()
  await admin.connect()
  try {
    const odd = { partitions: 3, schema: 'Tick', config: { 'cleanup.policy': 'compact' } }
    await ensureTopics(harness.kafka, { 'devops.ticks': odd })

    const first = await ensureTopics(harness.kafka)
    assert.deepEqual(
      [...first.created].sort(),
      Object.keys(TOPICS)
        .filter((name) => name !== 'devops.ticks')
        .sort(),
    )
    assert.deepEqual(
      first.different.map(({ topic, setting, wanted, found }) => [topic, setting, wanted, found]),
      [
        ['devops.ticks', 'message.timestamp.type', 'LogAppendTime', 'CreateTime'],
        ['devops.ticks', 'cleanup.policy', 'delete', 'compact'],
        ['devops.ticks', 'retention.ms', '3600000', '604800000'],
        ['devops.ticks', 'partitions', '12', '3'],
      ],
    )
    assert.deepEqual(await ensureTopics(harness.kafka), { created: [], different: first.different })

    const { topics } = await admin.fetchTopicMetadata({ topics: Object.keys(TOPICS) })
    for (const [name, { partitions }] of Object.entries(TOPICS)) {
      const found = topics.find((topic) => topic.name === name)?.partitions.length
      assert.equal(found, name === 'devops.ticks' ? 3 : partitions, name)
    }
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: 'devops.models', configNames: ['max.message.bytes'] },
      ],
    })
    assert.equal(resources[0]?.configEntries[0]?.configValue, String(16 * 1024 ** 2))
  } finally {
    await admin.disconnect()
  }
})

test('two that prepare at the same moment do not disturb each other', async () => {
  const topics = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`race.${i}`, { partitions: 2, schema: 'Tick', config: {} }]),
  )
  await Promise.all([1, 2, 3].map(() => ensureTopics(harness.kafka, topics)))
  assert.deepEqual(await ensureTopics(harness.kafka, topics), { created: [], different: [] })
})
