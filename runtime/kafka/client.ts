/** kafkajs clients: one for each role, since consumer and producers of one client would share a cache of offsets. */
import { Kafka, logLevel, type LogEntry } from 'kafkajs'
import type { Log } from '../telemetry/log.ts'

const CONNECTION_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 30_000
const SAME_LINE_EVERY_MS = 10_000
const DISTINCT_LINES_MAX = 500

/** kafkajs warns that limited retries may break exactly-once; a publisher that gives up replaces its producer, so they do not. */
const EXPECTED = new Set(['Limiting retries for the idempotent producer may invalidate EoS guarantees'])

/** Lines of kafkajs in our log: the same one at most every ten seconds, with how many were left out. */
export function kafkaLogCreator(log: Log, now: () => number = Date.now): () => (entry: LogEntry) => void {
  const seen = new Map<string, { until: number; leftOut: number }>()
  return () =>
    ({ namespace, level, log: line }) => {
      const { message } = line
      const { error, broker, topic, groupId } = line as unknown as Readonly<Record<string, unknown>>
      if (EXPECTED.has(message)) return
      const key = `${namespace} ${message}`
      const before = seen.get(key)
      if (before !== undefined && before.until > now()) {
        before.leftOut++
        return
      }
      if (seen.size >= DISTINCT_LINES_MAX) seen.clear()
      seen.set(key, { until: now() + SAME_LINE_EVERY_MS, leftOut: 0 })
      const fields = { event: 'kafka_client', namespace, error, broker, topic, groupId, leftOut: before?.leftOut ?? 0 }
      // kafkajs calls an error what it then retries: for an operator that is a warning.
      if (level <= logLevel.WARN) log.warn(fields, message)
      else log.debug(fields, message)
    }
}

/** `clientId`: `<process>-<role>`, as it appears in the broker's log. */
export function createKafka(
  configuration: { readonly kafka: { readonly brokers: readonly string[] } },
  clientId: string,
  log: Log,
): Kafka {
  return new Kafka({
    clientId,
    brokers: [...configuration.kafka.brokers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // The default of 300 ms makes each transaction wait for its coordinator that long.
    retry: { initialRetryTime: 30, maxRetryTime: 1_000, retries: 12 },
    logLevel: logLevel.WARN,
    logCreator: kafkaLogCreator(log),
  })
}
