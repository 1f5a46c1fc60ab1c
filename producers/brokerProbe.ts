import type { Admin, Kafka } from 'kafkajs'

export interface BrokerProbe {
  /** Resolves when a broker answered; a connection that failed is made anew the next time. */
  readonly ask: () => Promise<void>
  readonly close: () => Promise<void>
}

export function createBrokerProbe(kafka: Kafka): BrokerProbe {
  let admin: Admin | null = null
  const drop = async (): Promise<void> => {
    const dropped = admin
    admin = null
    await dropped?.disconnect()
  }
  return {
    ask: async () => {
      try {
        if (admin === null) {
          admin = kafka.admin({ retry: { retries: 0 } })
          await admin.connect()
        }
        await admin.describeCluster()
      } catch (error) {
        await drop().catch(() => undefined)
        throw error
      }
    },
    close: drop,
  }
}
