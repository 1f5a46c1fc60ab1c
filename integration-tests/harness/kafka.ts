/**
 * A real broker and a real registry for one test file, in a folder of their own, on free loopback ports.
 * TEST_KAFKA_BROKERS names a running, empty broker instead, e.g. one in a container.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kafka } from 'kafkajs'
import { fetchKafka, fetchRegistry } from '../../infra/local/artifacts.mjs'
import { startBroker, type Broker } from '../../infra/local/broker.mjs'
import { startRegistry, type Registry } from '../../infra/local/registryProcess.mjs'
import { createKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/telemetry/log.ts'

export const silentLog = createLog('test', 'silent')

export interface KafkaHarness {
  readonly folder: string
  readonly brokers: string
  readonly registryUrl: string
  readonly kafka: Kafka
  /** Null where the broker was given by TEST_KAFKA_BROKERS. */
  readonly brokerPid: number | null
  stopRegistry(): Promise<void>
  /** On the same port, with the storage it had; `empty`: as if it had lost it. */
  startRegistry(options?: { empty: boolean }): Promise<void>
  /** SIGKILL. */
  killBroker(): Promise<void>
  /** On the same port, with the data it had. */
  startBroker(): Promise<void>
  stop(): Promise<void>
}

/** What is not asked for has an empty address. */
export async function startKafka(options: { broker: boolean; registry: boolean }): Promise<KafkaHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'devops-kafka-'))
  const given = options.broker ? process.env['TEST_KAFKA_BROKERS'] : ''
  const jars = given === undefined ? await fetchKafka() : ''
  let broker: Broker | null = null
  let registry: Registry | null = null
  let registries = 0
  const stop = async (): Promise<void> => {
    await registry?.stop()
    await broker?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    if (given === undefined) broker = await startBroker({ folder: join(folder, 'broker'), jars })
    const jar = options.registry ? await fetchRegistry() : ''
    if (options.registry) registry = await startRegistry({ folder: join(folder, 'registry'), jar })
    const brokers = broker?.brokers ?? given ?? ''
    const brokerPort = broker?.port
    const registryPort = registry?.port
    return {
      folder,
      brokers,
      brokerPid: broker?.pid ?? null,
      registryUrl: registry?.url ?? '',
      kafka: createKafka({ kafka: { brokers: [brokers] } }, 'test', silentLog),
      async stopRegistry() {
        await registry?.stop()
        registry = null
      },
      async startRegistry({ empty } = { empty: false }) {
        if (registryPort === undefined) throw new Error('this harness was started without a registry')
        const home = join(folder, empty ? `registry-${++registries}` : 'registry')
        registry = await startRegistry({ folder: home, jar, port: registryPort })
      },
      async killBroker() {
        await broker?.kill()
        broker = null
      },
      async startBroker() {
        if (brokerPort === undefined) throw new Error('this harness was started without a broker of its own')
        broker = await startBroker({ folder: join(folder, 'broker'), jars, port: brokerPort })
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
