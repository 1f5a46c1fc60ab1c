/** Asked predictions go to the ledger beside the transactions: losing one moves no score, so an answer never waits for it. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { OutgoingRecord, Publisher } from '../../runtime/kafka/port.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'

const QUEUE_MAX = 1000
const TOPIC = 'devops.ledger'

export interface AskedPublisherOptions {
  readonly publisher: Publisher
  readonly codec: Pick<Codec, 'encode'>
  readonly registry: Registry
  readonly onFailure: (cause: Error) => void
}

export interface AskedPublisher {
  keep(entry: LedgerEntry): void
  /** Resolves when what was kept is published or counted as lost. */
  flush(): Promise<void>
}

export function createAskedPublisher({ publisher, codec, registry, onFailure }: AskedPublisherOptions): AskedPublisher {
  const lost = new Counter({
    name: 'devops_asked_entries_lost_total',
    help: 'Asked predictions that did not reach the ledger.',
    labelNames: ['reason'],
    registers: [registry],
  })
  for (const reason of ['queue_full', 'publish_failed']) lost.inc({ reason }, 0)
  let queue: OutgoingRecord[] = []
  let running: Promise<void> | null = null

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      try {
        await publisher.publish(batch)
      } catch (error) {
        lost.inc({ reason: 'publish_failed' }, batch.length)
        onFailure(error as Error)
      }
    }
    running = null
  }
  return {
    keep(entry) {
      if (queue.length >= QUEUE_MAX) {
        lost.inc({ reason: 'queue_full' })
        return
      }
      const { service, predictionId } = entry
      queue.push({
        topic: TOPIC,
        partition: partitionOf(service),
        key: predictionId,
        value: codec.encode(TOPIC, entry),
      })
      running ??= drain()
    },
    flush: () => running ?? Promise.resolve(),
  }
}
