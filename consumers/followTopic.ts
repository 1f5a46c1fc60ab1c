/** A small compacted topic, read from its beginning and followed for as long as the process lives. */
import type { Kafka } from 'kafkajs'
import type { Codec } from '../runtime/kafka/codec.ts'
import { readTopic } from '../runtime/kafka/topicReader.ts'
import type { TopicReader, TopicReaderOptions } from '../runtime/kafka/topicReader.ts'
import type { TopicName } from '../schemas/topics.ts'

const REOPEN_MS = 1000

export interface FollowOptions<T extends TopicName> extends Pick<
  TopicReaderOptions<T>,
  'topic' | 'onRecord' | 'onUndecodable'
> {
  /** Reading stopped and begins anew: every record is given again. */
  readonly onReopen: (topic: T, cause: Error) => void
  /** What reading again can't mend. */
  readonly onFatal: (cause: Error) => void
}

/**
 * Resolves when all that was there is given. kafkajs gives a reader up for good where its coordinator can't be found
 * for a moment, as on a broker that has just started; a new one then finds it.
 */
export async function followTopic<T extends TopicName>(
  kafka: Kafka,
  codec: Codec,
  { topic, onRecord, onUndecodable, onReopen, onFatal }: FollowOptions<T>,
): Promise<{ close(): Promise<void> }> {
  const first = Promise.withResolvers<undefined>()
  let reader: TopicReader | null = null
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const reopen = (cause: Error): void => {
    if (closed) return
    if (!cause.name.startsWith('KafkaJS')) {
      onFatal(cause)
      return
    }
    onReopen(topic, cause)
    clearTimeout(timer)
    timer = setTimeout(() => void open(), REOPEN_MS)
  }
  const open = async (): Promise<void> => {
    try {
      const undecodable = onUndecodable === undefined ? {} : { onUndecodable }
      reader = await readTopic(kafka, codec, {
        topic,
        from: 'beginning',
        follow: true,
        onRecord,
        ...undecodable,
        onError: reopen,
      })
      await reader.caughtUp
      first.resolve(undefined)
    } catch (error) {
      reopen(error as Error)
    }
  }
  await open()
  await first.promise
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await reader?.close()
    },
  }
}
