/** All that stands in a topic now, read without a group. */
import { join } from 'node:path'
import { openCodec } from '../../runtime/kafka/codec.ts'
import type { ValueOf } from '../../runtime/kafka/codec.ts'
import { readTopic } from '../../runtime/kafka/topicReader.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { silentLog } from './kafka.ts'
import type { System } from './system.ts'

export async function readAll<T extends TopicName>(system: System, topic: T): Promise<ValueOf[T][]> {
  const codec = await openCodec({
    registryUrl: system.bus.registryUrl,
    cacheFolder: join(system.folder, 'reader-schemas'),
    log: silentLog,
  })
  const values: ValueOf[T][] = []
  const reader = await readTopic(system.bus.kafka, codec, {
    topic,
    from: 'beginning',
    follow: false,
    onRecord: (_, value) => {
      // Each reader's codec has classes of its own for the records: plain objects compare.
      if (value !== null) values.push({ ...value })
    },
  })
  await reader.caughtUp
  await reader.close()
  return values
}
