/** The broker scenarios hold on a Kafka in a container as they do on the local one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { type Admin, type Consumer, type EachMessagePayload, Kafka, logLevel } from 'kafkajs'

import { kafkaImage, startKafkaContainer, whyNoContainers } from '../../infra/docker/kafkaContainer.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const image = kafkaImage(process.env['TEST_KAFKA_IMAGE'])
const skip = (await whyNoContainers(image)) ?? false

/** Each gets a broker of its own: they count what is in the topics. */
const SCENARIOS = [
  'redelivery-is-idempotent',
  'github-deployment-becomes-scored-prediction',
  'restart-keeps-state',
  'second-consumer-joins-and-leaves',
  'undecodable-record-is-dead-lettered',
] as const

const clientOf = (brokers: string): Kafka =>
  new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 20 } })

async function withAdmin<T>(brokers: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(brokers).admin()
  await admin.connect()
  try {
    return await ask(admin)
  } finally {
    await admin.disconnect()
  }
}

test('what a transaction committed is read, what it aborted is not', { skip, timeout: 180_000 }, async (t) => {
  const container = await startKafkaContainer(image)
  t.after(() => container.stop())
  const kafka = clientOf(container.brokers)
  await withAdmin(container.brokers, (admin) =>
    admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1 }], waitForLeaders: true }),
  )
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: 'orders-writer' })
  const consumer = kafka.consumer({ groupId: 'orders-reader', readUncommitted: false })
  try {
    await producer.connect()
    for (const [value, commit] of [
      ['first', true],
      ['never', false],
      ['second', true],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'orders', acks: -1, messages: [{ partition: 0, value }] })
      await (commit ? transaction.commit() : transaction.abort())
    }
    assert.deepEqual(await firstMessages(consumer, 2), ['first', 'second'])
  } finally {
    await consumer.disconnect()
    await producer.disconnect()
  }
})

async function firstMessages(consumer: Consumer, count: number): Promise<readonly string[]> {
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const read: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = ({ message }: EachMessagePayload): Promise<void> => {
      read.push(String(message.value))
      if (read.length === count) resolve()
      return Promise.resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  return read
}

for (const scenario of SCENARIOS) {
  test(`in a container: ${scenario}`, { skip, timeout: 300_000 }, async (t) => {
    const container = await startKafkaContainer(image)
    t.after(() => container.stop())
    const env: NodeJS.ProcessEnv = { ...process.env, TEST_KAFKA_BROKERS: container.brokers }
    // Otherwise node:test takes the inner run for a part of this one, and runs nothing.
    delete env['NODE_TEST_CONTEXT']
    const child = spawn(
      process.execPath,
      ['--test', '--test-reporter=tap', `integration-tests/scenarios/${scenario}.test.ts`],
      {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0, output)
    assert.match(output, /^# pass [1-9]/m, 'the scenario ran')
    assert.match(output, /^# skipped 0$/m)
    const topics = await withAdmin(container.brokers, (admin) => admin.listTopics())
    assert.ok(topics.includes('devops.deployments'), 'the scenario used the container')
  })
}
