/** The admin step makes what is missing, says what differs, and changes nothing that is there. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { TOPICS } from '../../schemas/topics.ts'
import { startKafka, type KafkaHarness } from '../harness/kafka.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

async function adminStep(brokers: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['infra/kafka/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', KAFKA_BROKERS: brokers, DEVOPS_MCP_CONFIG: '/dev/null' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [printed, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, output: printed + complained }
}

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

    // With another number of partitions nothing may start: events would go to partitions that are not there.
    const step = await adminStep(harness.brokers)
    assert.equal(step.code, 1, step.output)
    assert.match(step.output, /^topics: retention\.ms of devops\.ticks is 604800000 instead of 3600000/m)
    assert.match(step.output, /^devops\.ticks has 3 partitions instead of 12\. .*delete.*KAFKA_BROKERS/m)

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
