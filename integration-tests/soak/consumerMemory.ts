/** A real consumer whose pool is filled several times over, killed, and started again: how much memory it takes meanwhile. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutgoingRecord } from '../../runtime/kafka/port.ts'
import type { InfrastructureEvent } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { writeRequest } from '../benches/remoteWriteBody.ts'
import { fleetRound, incidentEvent, openEventStream, publishLife } from '../harness/eventStream.ts'
import type { EventStream } from '../harness/eventStream.ts'
import { System, eventually } from '../harness/system.ts'
import type { RunningProcess } from '../harness/system.ts'

const MIB = 1024 ** 2
/** Beside the pool, all of the process among it. */
export const MARGIN_BYTES = 512 * MIB
const SERVICES = Array.from({ length: 24 }, (_, i) => `production/service-${i}`)
const APPLIED_MS = 600_000

export interface SoakOptions {
  readonly poolMib: number
  /** How often the bytes of the pool are sent. */
  readonly fills: number
  readonly say: (line: string) => void
}

interface Memory {
  readonly utilization: number
  readonly usedBytes: number
  readonly regions: readonly { region: string; evicted: number; usedBytes: number; quotaBytes: number }[]
}

/** Throws when the process is ever larger than pool and margin. */
export async function soakConsumer({ poolMib, fills, say }: SoakOptions): Promise<void> {
  const pool = poolMib * MIB
  const system = await System.start({ roles: ['gateway', 'consumer'], env: environment(poolMib) })
  const stream = await openEventStream(system)
  const look = async (what: string, consumer: RunningProcess): Promise<Memory> => {
    const { resident, peak } = await residentOf(consumer)
    const memory = (await system.query('get_memory', {})) as Memory
    const mib = (bytes: number): string => String(Math.round(bytes / MIB))
    say(
      `${what}: pool ${mib(memory.usedBytes)} of ${poolMib} MiB, resident ${mib(resident)} MiB, peak ${mib(peak)} MiB`,
    )
    assert.ok(peak <= pool + MARGIN_BYTES, `${mib(peak)} MiB with a pool of ${poolMib} MiB`)
    return memory
  }
  try {
    const first = system.process('consumer')
    await look('at first', first)
    let sent = 0
    for (let round = 0; sent < fills * pool; round += 1) {
      sent += await sendRound(system, stream, round)
      // What waits in Kafka is not in the pool.
      if (round % 20 === 19) await applied(system)
    }
    await applied(system)
    const full = await look(`${fills} times the pool sent`, first)
    assert.ok(full.utilization > 0.8, `${full.utilization} used`)
    const dropped = full.regions.filter(({ evicted }) => evicted > 0).map(({ region }) => region)
    for (const region of ['infrastructure_state', 'incident_database']) assert.ok(dropped.includes(region), region)

    await eventually('snapshots are written', async () => ((await manifests(system)) > 0 ? true : null), APPLIED_MS)
    await look('snapshots are written', first)
    await first.kill()
    const second = await system.add('consumer')
    await applied(system)
    const again = await look('killed, and restored', second)
    assert.ok(again.utilization > 0.8, `${again.utilization} used`)
    assert.match(await second.log(), /"fromSnapshot":true/, 'no shard came from its snapshot')
  } finally {
    await stream.close()
    await system.stop()
  }
}

const environment = (poolMib: number): Record<string, string> => ({
  DEVOPS_SERVER_MEMORY_ALLOCATION: String(poolMib * MIB),
  DEVOPS_MEMORY_ALLOCATIONS_INFRASTRUCTURE_STATE: String((poolMib * MIB) / 2),
  DEVOPS_MEMORY_ALLOCATIONS_DEPLOYMENT_HISTORY: String((poolMib * MIB) / 8),
  DEVOPS_MEMORY_ALLOCATIONS_INCIDENT_DATABASE: String((poolMib * MIB) / 4),
  DEVOPS_MEMORY_ALLOCATIONS_ACTIVE_OPERATIONS: String((poolMib * MIB) / 8),
  DEVOPS_CONSUMER_SNAPSHOT_INTERVAL_SECONDS: '5',
})

/** Events of every kind, most bytes of them long texts; how many bytes. */
async function sendRound(system: System, stream: EventStream, round: number): Promise<number> {
  const at = Date.now()
  await publishLife(stream, fleetRound(SERVICES, round, at))
  const text = randomBytes(18_000).toString('hex')
  const records: OutgoingRecord[] = SERVICES.flatMap((service, index) => {
    const number = round * SERVICES.length + index
    const phase = number % 4 === 0 ? 'firing' : 'resolved'
    const incident = { ...incidentEvent(service, number + 1_000_000, phase, at), description: text }
    return [
      record(stream, 'devops.incidents', service, incident),
      record(stream, 'devops.infrastructure', service, resourceEvent(service, number, at, text)),
    ]
  })
  for (let i = 0; i < records.length; i += 8) await stream.publisher.publish(records.slice(i, i + 8))
  const samples = await sendSamples(system, round, at)
  return samples * 16 + records.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0)
}

const record = (
  { codec }: EventStream,
  topic: Extract<TopicName, 'devops.incidents' | 'devops.infrastructure'>,
  service: string,
  event: ReturnType<typeof incidentEvent> | InfrastructureEvent,
): OutgoingRecord => ({
  topic,
  partition: partitionOf(service),
  key: service,
  value: codec.encode(topic, event),
})

const resourceEvent = (service: string, number: number, at: number, text: string): InfrastructureEvent => ({
  id: `${service}/resource/${number}`,
  occurredAt: at,
  receivedAt: at,
  source: 'events',
  service,
  environment: 'production',
  trace: null,
  resource: `workload/soak/${number}`,
  kind: 'workload',
  deleted: false,
  attributes: { text },
  quantities: {},
})

/** One scrape of a target of each of some services; how many samples. */
async function sendSamples(system: System, round: number, at: number): Promise<number> {
  const series = Array.from({ length: 400 }, (_, i) => ({
    labels: {
      __name__: `soak_${i % 50}`,
      environment: 'production',
      instance: `10.0.0.${Math.floor(i / 50)}:9100`,
      job: 'soak',
      service: `service-${Math.floor(i / 50)}`,
    },
    samples: [{ value: Math.sin(round + i), timestamp: at }],
  }))
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
  const answer = await system.post('/api/v1/write', writeRequest(series), headers)
  assert.ok(answer.ok, `remote write: ${answer.status}`)
  return series.length
}

async function applied(system: System): Promise<void> {
  await eventually(
    'all is applied',
    async () => {
      const health = (await system.query('get_health', {})) as {
        shards: { state: string; lagRecords: number | null }[]
      }
      return health.shards.every(({ state, lagRecords }) => state === 'live' && lagRecords === 0) ? true : null
    },
    APPLIED_MS,
  )
}

async function manifests(system: System): Promise<number> {
  const folder = join(system.folder, 'state', 'snapshots')
  if (!existsSync(folder)) return 0
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => name.endsWith('.manifest')).length
}

/** Now, and the most it ever was. */
async function residentOf({ pid }: RunningProcess): Promise<{ resident: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN) * 1024
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM') }
}
