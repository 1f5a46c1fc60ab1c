/** What the admin step found, in sentences: differences that may stay, and the ones with which nothing may start. */
import type { TopicDifference } from '../../runtime/kafka/admin.ts'

/** `ensureTopics` names the number of partitions this way; all other differences are of the topic's configuration. */
const PARTITIONS = 'partitions'

export class TopicsUnusable extends Error {
  readonly retryable = false
  constructor(wrong: readonly TopicDifference[]) {
    const found = wrong.map(({ topic, wanted, found: has }) => `${topic} has ${has} partitions instead of ${wanted}`)
    super(
      `${found.join(', ')}. Events go to the partition of their shard, so these topics can't be used, and they were left as they are: ` +
        'delete them if nothing needs their records (they are then made anew), or name another Kafka with KAFKA_BROKERS.',
    )
    this.name = 'TopicsUnusable'
  }
}

/** Throws TopicsUnusable where a number of partitions differs. */
export function assertUsable(different: readonly TopicDifference[]): void {
  const wrong = different.filter(({ setting }) => setting === PARTITIONS)
  if (wrong.length > 0) throw new TopicsUnusable(wrong)
}

export function settingLines(different: readonly TopicDifference[]): string[] {
  return different
    .filter(({ setting }) => setting !== PARTITIONS)
    .map(({ topic, setting, wanted, found }) => {
      const has = found === '' ? 'is not set' : `is ${found}`
      return `topics: ${setting} of ${topic} ${has} instead of ${wanted}; left as it is`
    })
}
