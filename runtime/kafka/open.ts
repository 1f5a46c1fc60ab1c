/** Kafka for a process, on kafkajs: one client for each role, since consumer and producers of one share a cache of offsets. */
import type { Admin } from 'kafkajs'
import type { Log } from '../telemetry/log.ts'
import { createKafka } from './client.ts'
import { endsOf } from './ends.ts'
import type { KafkaPort } from './port.ts'
import { createPublisher } from './publisher.ts'
import { createShardGroup } from './shardGroup.ts'
import { committedOffsets } from './shardOffsets.ts'
import { readTopic } from './topicReader.ts'
import { openTransactor } from './transactor.ts'

/** Connects nothing by itself. `process`: what its clients are called in the broker's log. */
export function openKafka(
  configuration: { readonly kafka: { readonly brokers: readonly string[] } },
  process: string,
  log: Log,
): KafkaPort {
  const client = (role: string) => createKafka(configuration, `${process}-${role}`, log)
  const shared = client('producers')
  const questions = new Admins(() => shared.admin())
  const probes = new Admins(() => client('probe').admin({ retry: { retries: 0 } }))
  return {
    publisher: (role, options) => createPublisher(client(role), options),
    shardGroup: (options) => createShardGroup(client('group'), options),
    transactor: (options) => openTransactor(shared, options),
    read: (codec, options) => readTopic(shared, codec, options),
    committedOffsets: (groupId, topics) => questions.ask((admin) => committedOffsets(admin, groupId, topics)),
    endsOf: (topic) => questions.ask((admin) => endsOf(admin, topic)),
    clusterId: () => questions.ask(async (admin) => (await admin.describeCluster()).clusterId),
    probe: () =>
      probes.ask(async (admin) => {
        await admin.describeCluster()
      }),
    async close() {
      await Promise.all([questions.close(), probes.close()])
    },
  }
}

/** An admin that is connected when it is asked, and made anew after a question that failed. */
class Admins {
  readonly #create: () => Admin
  #connected: Promise<Admin> | null = null

  constructor(create: () => Admin) {
    this.#create = create
  }

  async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const connected = (this.#connected ??= this.#connect())
    try {
      return await question(await connected)
    } catch (error) {
      if (this.#connected === connected) await this.close().catch(() => undefined)
      throw error
    }
  }

  async #connect(): Promise<Admin> {
    const admin = this.#create()
    await admin.connect()
    return admin
  }

  async close(): Promise<void> {
    const connected = this.#connected
    this.#connected = null
    await (await connected?.catch(() => null))?.disconnect()
  }
}
