/** The gateway process: verifies, normalises and publishes; keeps nothing but what remote write has announced and the sizes of late changes. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readCatalog } from '../runtime/configuration/catalog.ts'
import { readConfiguration, unusedKeys, type Configuration } from '../runtime/configuration/configuration.ts'
import { loadOrCreateKey, pseudonym, pseudonymKeyFile } from '../runtime/configuration/pseudonym.ts'
import { createHttpServer, listen } from '../runtime/http/server.ts'
import { openCodec } from '../runtime/kafka/codec.ts'
import { openKafka } from '../runtime/kafka/open.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { createLog, type Log } from '../runtime/telemetry/log.ts'
import { createRegistry } from '../runtime/telemetry/metrics.ts'
import { createRemoteWriteDecoder } from '../rust-engine/ts/remoteWrite.ts'
import { requireTokenIfPublic } from './access.ts'
import { BrokerWatch } from './brokerWatch.ts'
import { createCatalogQuestions } from './catalogQuestions.ts'
import { createFilesOf } from './changes/githubFiles.ts'
import { addGateway, type GatewayParts } from './gateway.ts'
import { Gather } from './ingest/gather.ts'
import { Lane } from './ingest/lane.ts'
import { createGatewayTelemetry, type GatewayTelemetry } from './telemetry.ts'

const EVENT_LINGER_MS = 3
/** Batching decides what a sample costs; a sender of metrics can wait. */
const METRIC_LINGER_MS = 50
const PROBE_EVERY_MS = 2_000
const PROBE_FRESH_MS = 10_000
const LABEL_BYTES_MAX = 16 * 1024
const SAMPLES_PER_SERIES_MAX = 100

function githubLookups(
  { githubToken: token, githubApiUrl: apiUrl }: Configuration['gateway'],
  telemetry: GatewayTelemetry,
  signal: AbortSignal,
): GatewayParts['githubLookups'] {
  if (token === null) return null
  const sleep = (ms: number): Promise<void> => delay(ms, undefined, { signal })
  const waiting = (reason: string, ms: number): void => {
    telemetry.lookupsPaused(reason, ms)
  }
  const filesOf = createFilesOf({ token, apiUrl, signal, sleep, waiting, now: Date.now, random: Math.random })
  return { filesOf, sleep, signal }
}

async function run(configuration: Configuration, log: Log): Promise<void> {
  const { gateway, stateFolder } = configuration
  requireTokenIfPublic(gateway)
  const registry = createRegistry('gateway')
  const telemetry = createGatewayTelemetry(registry, log, Date.now)
  const codec = await openCodec({
    registryUrl: configuration.schemaRegistry.url,
    cacheFolder: join(stateFolder, 'schemas'),
    log,
  })
  const kafka = openKafka(configuration, 'gateway', log)
  const options = { log, registry, publishTimeoutMs: gateway.publishTimeoutMs }
  const [events, ungathered] = await Promise.all([
    kafka.publisher('events', { ...options, lingerMs: EVENT_LINGER_MS }),
    kafka.publisher('metrics', options),
  ])
  const metrics = new Gather(ungathered, METRIC_LINGER_MS)
  const watch = new BrokerWatch({
    probe: () => kafka.probe(),
    everyMs: PROBE_EVERY_MS,
    freshMs: PROBE_FRESH_MS,
    now: Date.now,
    reached: () => {
      telemetry.brokerReached()
    },
    lost: (error) => {
      telemetry.brokerLost(error)
    },
  })

  const server = createHttpServer({
    process: 'gateway',
    proxied: true,
    host: gateway.host,
    port: gateway.port,
    registry,
    log,
    allowedHosts: gateway.publicHosts,
    bodyBytesMax: gateway.bodyBytesMax,
    ready: () => ({ ready: watch.fresh, detail: { brokerReachedAt: watch.lastReachedAt, schemas: 'loaded' } }),
  })
  const stopping = new AbortController()
  const key = loadOrCreateKey(pseudonymKeyFile(stateFolder))
  // Each lane has half, so that a flood of metrics cannot shut out deployments and alerts.
  const heldBytesMax = Math.floor(gateway.inFlightBytesMax / 2)
  await addGateway(server, {
    ...gateway,
    githubLookups: githubLookups(gateway, telemetry, stopping.signal),
    catalog: createCatalogQuestions(readCatalog(configuration.catalogFile), configuration.environments, (identity) => {
      telemetry.identityTold(identity)
    }),
    pseudonym: (person) => pseudonym(person, key),
    encode: (topic, value) => codec.encode(topic, value),
    eventLane: new Lane(events, heldBytesMax, telemetry.lane('events')),
    metricLane: new Lane(metrics, heldBytesMax, telemetry.lane('metrics')),
    decoder: createRemoteWriteDecoder({
      seriesMax: gateway.seriesPerRequestMax,
      samplesMax: gateway.seriesPerRequestMax * SAMPLES_PER_SERIES_MAX,
      decodedBytesMax: gateway.bodyBytesMax * 8,
      labelBytesMax: LABEL_BYTES_MAX,
    }),
    telemetry,
    now: Date.now,
  })
  await watch.start()
  const address = await listen(server, gateway.host, gateway.port)
  telemetry.started(address, gateway.token !== null, unusedKeys(configuration))
  onShutdown(log, async () => {
    stopping.abort()
    // Requests are answered first: each waits for its acknowledgement.
    await server.close()
    await Promise.all([events.close(), metrics.close(), watch.close()])
    await kafka.close()
  })
}

let log = createLog('gateway', 'info')
try {
  const configuration = readConfiguration()
  log = createLog('gateway', configuration.logLevel)
  await run(configuration, log)
} catch (error) {
  log.fatal({ event: 'start_failed', err: error }, error instanceof Error ? error.message : 'the gateway cannot start')
  process.exit(1)
}
