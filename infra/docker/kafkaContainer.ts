/** Kafka in a container, for tests: the image is the official one, or whichever TEST_KAFKA_IMAGE names. */
import { GenericContainer, getContainerRuntimeClient, ImageName, Wait } from 'testcontainers'
import { kafkaVersion } from '../local/artifacts.mjs'
import { freePort } from '../local/freePort.mjs'

const STARTUP_MS_MAX = 120_000
const CONTROLLER_PORT = 9093
const TAIL_LINES = 25

export interface KafkaContainer {
  readonly brokers: string
  stop(): Promise<void>
}

export const kafkaImage = (chosen: string | undefined): string => chosen ?? `apache/kafka:${kafkaVersion}`

/** Null, or why no container can be run here: no engine answers, or the image can't be had. */
export async function whyNoContainers(image: string): Promise<string | null> {
  try {
    const client = await getContainerRuntimeClient()
    const name = ImageName.fromString(image)
    if (!(await client.image.exists(name))) await client.image.pull(name)
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return `no Docker engine that can run ${image} (${reason}); TEST_SETUP=full installs one`
  }
}

/** One node. Its port must be known before it starts, since it tells its clients where it is. */
export async function startKafkaContainer(image: string): Promise<KafkaContainer> {
  const port = await freePort()
  const lines: string[] = []
  const container = await new GenericContainer(image)
    .withExposedPorts({ container: port, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: `1@127.0.0.1:${CONTROLLER_PORT}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${CONTROLLER_PORT}`,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: '8388608',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(STARTUP_MS_MAX)
    .withLogConsumer((stream) => stream.on('data', (line) => lines.push(String(line).trimEnd())))
    .start()
    .catch((error: unknown) => {
      throw new Error(`Kafka did not start in its container; its last lines:\n${lines.slice(-TAIL_LINES).join('\n')}`, {
        cause: error,
      })
    })
  return {
    brokers: `127.0.0.1:${port}`,
    stop: async () => {
      await container.stop()
    },
  }
}
