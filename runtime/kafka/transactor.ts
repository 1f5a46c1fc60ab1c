/**
 * The one transactional producer of a shard: outputs and the offsets that they came from, in one transaction.
 * Errors: TransactionAborted (send the same again), TransactorFenced and OutcomeUnknown (drop the shard, open anew).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Partitioners } from 'kafkajs'
import type { Kafka, Producer, Transaction } from 'kafkajs'
import type { OutgoingRecord, Transacted, Transactor, TransactorOptions } from './port.ts'
import {
  isFencing,
  isType,
  OutcomeUnknown,
  TransactionAborted,
  TransactorFenced,
  TransactorUnwanted,
} from './transactorErrors.ts'
import { unanswered, unansweredText } from './unanswered.ts'

const TRANSACTION_TIMEOUT_MS = 30_000
// The broker refuses larger record batches (message.max.bytes, 1 MiB), and kafkajs makes one of all records of a send.
const SEND_BYTES_MAX = 512 * 1024
const CONCURRENT_RETRIES_MAX = 200
const CONCURRENT_DELAY_MS = 5

/**
 * Fences every former owner of the id: when this resolves, their transactions are over and their offsets stable.
 * `kafka` must not be the object that the consumer uses: kafkajs shares an offset cache within one, which
 * `sendOffsets` marks before the commit.
 */
export async function openTransactor(kafka: Kafka, options: TransactorOptions): Promise<Transactor> {
  const producer = kafka.producer({
    transactionalId: options.transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 30, maxRetryTime: 1000, retries: 12 },
  })
  try {
    await producer.connect()
    if (!options.isWanted()) throw new TransactorUnwanted(options.transactionalId)
    // connect() inits only a plain idempotent id, which fences nobody; the first transaction inits the transactional one.
    await (await producer.transaction()).abort()
  } catch (error) {
    await producer.disconnect().catch(() => undefined)
    throw error
  }
  return {
    transact: (outputs, offsets) => transact(producer, options, outputs, offsets),
    close: () => producer.disconnect(),
  }
}

async function transact(
  producer: Producer,
  options: TransactorOptions,
  outputs: readonly OutgoingRecord[],
  offsets: ReadonlyMap<string, bigint>,
): Promise<Transacted> {
  const { transactionalId } = options
  const ends = new Map<string, bigint>()
  const transaction = await begin(producer, transactionalId)
  try {
    for (const chunk of chunks(outputs)) await send(transaction, chunk, options.partition, ends)
  } catch (error) {
    if (isFencing(error)) throw new TransactorFenced(transactionalId, error)
    await abort(transaction, transactionalId)
    // A send that got no answer may stand in the log under the sequence number that the next one would carry; the
    // broker would take that for a repeat and drop it. Only a new init starts the numbers anew.
    throw new OutcomeUnknown(transactionalId, 'send', error)
  }
  try {
    await sendOffsets(transaction, options, offsets)
  } catch (error) {
    if (isFencing(error)) throw new TransactorFenced(transactionalId, error)
    await abort(transaction, transactionalId)
    throw new TransactionAborted(transactionalId, error)
  }
  try {
    await transaction.commit()
  } catch (error) {
    if (isFencing(error)) throw new TransactorFenced(transactionalId, error)
    throw new OutcomeUnknown(transactionalId, 'commit', error)
  }
  return { ends }
}

async function begin(producer: Producer, transactionalId: string): Promise<Transaction> {
  try {
    return await producer.transaction()
  } catch (error) {
    if (isFencing(error)) throw new TransactorFenced(transactionalId, error)
    // Nothing was sent, but the producer is in a state of which kafkajs doesn't come back.
    throw new OutcomeUnknown(transactionalId, 'abort', error)
  }
}

async function abort(transaction: Transaction, transactionalId: string): Promise<void> {
  try {
    await transaction.abort()
  } catch (error) {
    if (isFencing(error)) throw new TransactorFenced(transactionalId, error)
    throw new OutcomeUnknown(transactionalId, 'abort', error)
  }
}

async function send(
  transaction: Transaction,
  records: readonly OutgoingRecord[],
  ownPartition: number,
  ends: Map<string, bigint>,
): Promise<void> {
  const byTopic = Map.groupBy(records, (record) => record.topic)
  const written = await transaction.sendBatch({
    acks: -1,
    topicMessages: [...byTopic].map(([topic, list]) => ({
      topic,
      messages: list.map(({ partition, key, value, headers }) => ({ partition, key, value, headers: { ...headers } })),
    })),
  })
  // The caller aborts: nothing of a transaction counts unless all of it was answered for.
  const missing = unanswered(records, written)
  if (missing.length > 0) throw new Error(unansweredText(missing))
  for (const { topicName, partition, baseOffset } of written) {
    if (partition !== ownPartition || baseOffset === undefined) continue
    const count = byTopic.get(topicName)?.filter((record) => record.partition === partition).length ?? 0
    ends.set(topicName, BigInt(baseOffset) + BigInt(count))
  }
}

/**
 * Right after the transaction before, the coordinator may still be writing its markers. `send` retries that by itself,
 * `sendOffsets` doesn't.
 */
async function sendOffsets(
  transaction: Transaction,
  options: TransactorOptions,
  offsets: ReadonlyMap<string, bigint>,
): Promise<void> {
  const topics = [...offsets].map(([topic, offset]) => ({
    topic,
    partitions: [{ partition: options.partition, offset: offset.toString() }],
  }))
  for (let retry = 0; ; retry++) {
    try {
      await transaction.sendOffsets({ consumerGroupId: options.groupId, topics })
      return
    } catch (error) {
      if (!isType(error, 'CONCURRENT_TRANSACTIONS') || retry === CONCURRENT_RETRIES_MAX) throw error
      await sleep(CONCURRENT_DELAY_MS)
    }
  }
}

/** Cuts a list, in order, where a send would get larger than SEND_BYTES_MAX. */
export function* chunks(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  let chunk: OutgoingRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 64
    if (chunk.length > 0 && bytes + size > SEND_BYTES_MAX) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(record)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
