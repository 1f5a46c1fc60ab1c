/** Creates the topics that are missing; what is there is compared and left alone. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { whileElecting } from './ends.ts'
import { TOPICS, type TopicSettings } from '../../schemas/topics.ts'

const REPLICAS_MAX = 3

export interface TopicDifference {
  readonly topic: string
  readonly setting: string
  readonly wanted: string
  readonly found: string
}

export interface TopicsReport {
  readonly created: readonly string[]
  readonly different: readonly TopicDifference[]
}

/** Idempotent. Replication factor: as many as there are brokers, at most three. */
export async function ensureTopics(
  kafka: Kafka,
  topics: Readonly<Record<string, TopicSettings>> = TOPICS,
): Promise<TopicsReport> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const present = new Set(await admin.listTopics())
    const missing = Object.entries(topics).filter(([name]) => !present.has(name))
    if (missing.length > 0) {
      const { brokers } = await admin.describeCluster()
      // Another one may create them at the same moment: kafkajs then answers false, which is as good.
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map(([topic, { partitions, config }]) => ({
          topic,
          numPartitions: partitions,
          replicationFactor: Math.min(REPLICAS_MAX, brokers.length),
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        })),
      })
      await whileElecting(() => admin.fetchTopicMetadata({ topics: missing.map(([name]) => name) }))
    }
    const existing = Object.entries(topics).filter(([name]) => present.has(name))
    return { created: missing.map(([name]) => name), different: await differences(admin, existing) }
  } finally {
    await admin.disconnect()
  }
}

async function differences(admin: Admin, topics: readonly [string, TopicSettings][]): Promise<TopicDifference[]> {
  if (topics.length === 0) return []
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics: topics.map(([name]) => name) })
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(([name, { config }]) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: Object.keys(config),
    })),
  })
  return topics.flatMap(([topic, settings]) => {
    const found = new Map<string, string>(
      resources.find((each) => each.resourceName === topic)?.configEntries.map((e) => [e.configName, e.configValue]),
    )
    found.set('partitions', String(metadata.find((each) => each.name === topic)?.partitions.length ?? 0))
    return Object.entries({ ...settings.config, partitions: String(settings.partitions) })
      .filter(([setting, wanted]) => found.get(setting) !== wanted)
      .map(([setting, wanted]) => ({ topic, setting, wanted, found: found.get(setting) ?? '' }))
  })
}
