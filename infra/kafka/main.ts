/** One shot before the processes start: topics, then schemas. Run again at any time; nothing that exists is changed. */
import { ConfigurationError, readConfiguration, type Configuration } from '../../runtime/configuration/configuration.ts'
import { ensureTopics } from '../../runtime/kafka/admin.ts'
import { createKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { registerSchemas } from './registerSchemas.ts'
import { assertUsable, settingLines, TopicsUnusable } from './topicFindings.ts'

const COMING_UP_MS_MAX = 60_000
const RETRY_DELAY_MS = 1_000

/** Retries while the server behind `what` may still be coming up. */
async function patiently<T>(what: string, run: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + COMING_UP_MS_MAX
  let said = ''
  for (;;) {
    try {
      return await run()
    } catch (error) {
      const { retryable, retriable, name } = error as { retryable?: unknown; retriable?: unknown; name?: unknown }
      const passing = retryable === true || retriable === true || name === 'KafkaJSNumberOfRetriesExceeded'
      if (!passing || Date.now() >= giveUpAt) throw error
      const why = error instanceof Error ? error.message : String(error)
      if (why !== said) console.log(`waiting for ${what}: ${why}`)
      said = why
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS))
    }
  }
}

async function prepare(configuration: Configuration): Promise<void> {
  const { kafka, schemaRegistry } = configuration
  const client = createKafka(configuration, 'admin', createLog('admin', 'silent'))
  const { created, different } = await patiently(`Kafka at ${kafka.brokers.join(', ')}`, () => ensureTopics(client))
  console.log(`topics: ${created.length} created${created.length > 0 ? ` (${created.join(', ')})` : ''}`)
  for (const line of settingLines(different)) console.log(line)
  assertUsable(different)
  const registered = await patiently(`the schema registry at ${schemaRegistry.url}`, () =>
    registerSchemas(schemaRegistry.url),
  )
  console.log(`schemas: ${registered.length} registered, BACKWARD_TRANSITIVE`)
}

try {
  await prepare(readConfiguration())
} catch (error) {
  const why = error instanceof Error ? error.message : String(error)
  const saysAll = error instanceof ConfigurationError || error instanceof TopicsUnusable
  console.error(saysAll ? why : `topics and schemas could not be prepared: ${why}`)
  process.exitCode = 1
}
