/** A record of kafkajs in the port's terms. */
import type { KafkaMessage } from 'kafkajs'
import type { IncomingRecord } from './port.ts'

/** Of a header that was given more than once the last value counts, as in Kafka's own clients. */
export function incoming(topic: string, partition: number, message: KafkaMessage): IncomingRecord {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) headers[name] = last.toString()
  }
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    at: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers,
  }
}
