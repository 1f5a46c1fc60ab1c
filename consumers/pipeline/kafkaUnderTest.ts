/** Kafka as the pipeline sees it, in memory: the test is the group and the log, and says what becomes of transactions. */
import assert from 'node:assert/strict'
import type {
  Ends,
  IncomingRecord,
  KafkaPort,
  OutgoingRecord,
  ShardBatch,
  ShardGroup,
  ShardGroupOptions,
  TopicReader,
  TopicReaderOptions,
  Transacted,
  Transactor,
} from '../../runtime/kafka/port.ts'
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { INPUT_TOPICS, type TopicName } from '../../schemas/topics.ts'

export interface Transaction {
  readonly outputs: readonly OutgoingRecord[]
  readonly offsets: ReadonlyMap<string, bigint>
}

export const keysOf = ({ outputs }: Transaction): string[] => outputs.map(({ key }) => String(key))

/** Each call takes the next outcome of the script; when that is over, all commit. */
export class ScriptedTransactor implements Transactor {
  readonly asked: Transaction[] = []
  readonly #script: (Error | Promise<unknown>)[]
  readonly #committed: (transaction: Transaction) => void
  isClosed = false

  constructor(
    script: (Error | Promise<unknown>)[] = [],
    committed: (transaction: Transaction) => void = () => undefined,
  ) {
    this.#script = script
    this.#committed = committed
  }

  async transact(outputs: readonly OutgoingRecord[], offsets: ReadonlyMap<string, bigint>): Promise<Transacted> {
    this.asked.push({ outputs, offsets })
    const outcome = this.#script.shift()
    if (outcome instanceof Error) throw outcome
    await outcome
    this.#committed({ outputs, offsets })
    return { ends: new Map() }
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}

export class KafkaUnderTest implements Pick<
  KafkaPort,
  'shardGroup' | 'transactor' | 'read' | 'committedOffsets' | 'endsOf'
> {
  readonly committed = new Map<string, bigint>()
  readonly ends = new Map<string, Ends>()
  readonly transactors: ScriptedTransactor[] = []
  /** Outcomes of transactions to come, whichever producer makes them. */
  readonly script: (Error | Promise<unknown>)[] = []
  readonly ledger: LedgerEntry[] = []
  /** Topics of which a fetch is wanted, with the offset. */
  readonly fetched = new Map<string, bigint>()
  readonly #shard: number
  #group: ShardGroupOptions | null = null

  constructor(shard: number) {
    this.#shard = shard
  }

  get group(): ShardGroupOptions {
    assert.ok(this.#group !== null)
    return this.#group
  }

  shardGroup(options: ShardGroupOptions): ShardGroup {
    this.#group = options
    return {
      start: () => Promise.resolve(),
      pause: (_shard, topics) => {
        for (const topic of topics) this.fetched.delete(topic)
      },
      proceed: (_shard, positions) => {
        for (const [topic, offset] of positions) this.fetched.set(topic, offset)
      },
      stop: () => Promise.resolve(),
    }
  }

  transactor(): Promise<Transactor> {
    const transactor = new ScriptedTransactor(this.script, ({ offsets }) => {
      for (const [topic, next] of offsets) this.committed.set(topic, next)
    })
    this.transactors.push(transactor)
    return Promise.resolve(transactor)
  }

  /** Only the ledger is read: from its low watermark on. */
  async read<T extends TopicName>(_codec: Codec, { topic, onRecord }: TopicReaderOptions<T>): Promise<TopicReader> {
    const { low } = this.ends.get(topic) ?? { low: 0n }
    for (const [i, entry] of this.ledger.entries())
      await onRecord(recordOf(topic, this.#shard, low + BigInt(i), entry.id), entry as never)
    return { caughtUp: Promise.resolve(), starts: new Map(), close: () => Promise.resolve() }
  }

  committedOffsets(): ReturnType<KafkaPort['committedOffsets']> {
    const of = (topic: string): bigint => this.committed.get(topic) ?? -1n
    return Promise.resolve(new Map(INPUT_TOPICS.map((topic) => [topic, new Map([[this.#shard, of(topic)]])])))
  }

  endsOf(topic: string): ReturnType<KafkaPort['endsOf']> {
    return Promise.resolve(new Map([[this.#shard, this.ends.get(topic) ?? { low: 0n, high: 0n }]]))
  }

  /** What the group delivers: records of these values from `fetchedFrom` on. */
  deliver(
    topic: string,
    fetchedFrom: bigint,
    values: readonly string[],
    highWatermark?: bigint,
  ): Promise<bigint | null> {
    const records = values.map((value, index) => recordOf(topic, this.#shard, fetchedFrom + BigInt(index), value))
    const next = fetchedFrom + BigInt(values.length)
    const batch: ShardBatch = {
      shard: this.#shard,
      topic,
      fetchedFrom,
      records,
      next,
      highWatermark: highWatermark ?? next,
    }
    return this.group.onBatch(batch)
  }
}

function recordOf(topic: string, partition: number, offset: bigint, value: string): IncomingRecord {
  return { topic, partition, offset, at: 1000, key: null, value: Buffer.from(value), headers: {} }
}
