/** The consumer process: owns shards, keeps their state in the engine, answers queries. Wires; decides nothing. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readCatalog } from '../runtime/configuration/catalog.ts'
import type { Catalog } from '../runtime/configuration/catalog.ts'
import { loggable, readConfiguration, unusedKeys } from '../runtime/configuration/configuration.ts'
import type { Configuration } from '../runtime/configuration/configuration.ts'
import { createHttpServer, listen } from '../runtime/http/server.ts'
import { createKafka } from '../runtime/kafka/client.ts'
import { openCodec } from '../runtime/kafka/codec.ts'
import { createPublisher } from '../runtime/kafka/publisher.ts'
import { readTopic } from '../runtime/kafka/topicReader.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { createLog } from '../runtime/telemetry/log.ts'
import type { Log } from '../runtime/telemetry/log.ts'
import { createRegistry, exportTargets } from '../runtime/telemetry/metrics.ts'
import { openEngine } from '../rust-engine/ts/engine.ts'
import type { EngineOptions } from '../rust-engine/ts/records.ts'
import { SHARDS } from '../schemas/topics.ts'
import { createAsk } from './deployments/ask.ts'
import { createDeploymentHandler, reattach } from './deployments/handler.ts'
import type { DeploymentDeps } from './deployments/handler.ts'
import { createDeploymentTelemetry } from './deployments/telemetry.ts'
import { createIncidentHandler } from './incidents/handler.ts'
import { createIncidentTelemetry } from './incidents/telemetry.ts'
import { handleInfrastructure } from './infrastructure/handler.ts'
import { createMetricHandler } from './metrics/handler.ts'
import { createMetricTelemetry } from './metrics/telemetry.ts'
import { createShelf } from './models/shelf.ts'
import type { Handlers } from './pipeline/handlers.ts'
import { startMemberReport } from './pipeline/memberReport.ts'
import { MemberTable } from './pipeline/memberTable.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { viewOf } from './pipeline/shardView.ts'
import { createPipelineTelemetry } from './pipeline/telemetry.ts'
import { startTicker } from './pipeline/ticker.ts'
import { createAskedPublisher } from './queries/askedPublisher.ts'
import { createCapacityShelf } from './queries/capacityShelf.ts'
import { Latencies } from './queries/latencies.ts'
import { addQueryRoutes } from './queries/routes.ts'
import { createConsumerTelemetry } from './telemetry.ts'

const QUERY_BYTES_MAX = 64 * 1024

async function run(configuration: Configuration, log: Log): Promise<void> {
  const { consumer, kafka, stateFolder } = configuration
  const instance = randomUUID()
  const address = `http://${addressHost(consumer.host)}:${consumer.port}`
  const snapshotFolder = join(stateFolder, 'snapshots')
  mkdirSync(snapshotFolder, { recursive: true })
  const registry = createRegistry('consumer')
  exportTargets(registry, configuration.performance.targets)
  const telemetry = createPipelineTelemetry(registry, log)
  const engine = openEngine(engineOptions(configuration))
  const processTelemetry = createConsumerTelemetry(registry, log, engine)

  const codec = await openCodec({
    registryUrl: configuration.schemaRegistry.url,
    cacheFolder: join(stateFolder, 'schemas'),
    log,
  })
  // kafkajs shares an offset cache within one client, so the group's consumer has its own.
  const producers = createKafka(configuration, 'consumer-producers', log)
  const admin = producers.admin()
  await admin.connect()
  const publisher = await createPublisher(createKafka(configuration, 'consumer-publisher', log), { log, registry })

  const shelf = createShelf()
  const capacity = createCapacityShelf()
  let modelsRead = false
  const models = await readTopic(producers, codec, {
    topic: 'devops.models',
    from: 'beginning',
    follow: true,
    onRecord: async (_record, record) => {
      if (record === null) return
      try {
        await shelf.accept(record)
        capacity.accept(record)
        processTelemetry.modelRecordRead(record)
      } catch (error) {
        processTelemetry.modelRefused(record, error as Error)
      }
    },
    onUndecodable: (_record, error) => {
      processTelemetry.modelRefused(null, error)
    },
    onError: fatal(log),
  })
  models.caughtUp.then(() => {
    modelsRead = true
  }, fatal(log))

  const deps: DeploymentDeps = {
    shelf,
    zoneOf: zoneOf(readCatalog(configuration.catalogFile), configuration.timeZone),
    rules: {
      minSamples: configuration.learning.training.minSamples,
      confidenceThreshold: configuration.learning.prediction.confidenceThreshold,
    },
    telemetry: createDeploymentTelemetry(registry),
    stopwatch: () => performance.now(),
  }
  const handlers: Handlers = {
    'devops.deployments': createDeploymentHandler(deps),
    'devops.metrics': createMetricHandler(createMetricTelemetry(registry)),
    'devops.incidents': createIncidentHandler(createIncidentTelemetry(registry)),
    'devops.infrastructure': handleInfrastructure,
    // What crosses services comes with the issue on incidents; until then signals move the clock alone.
    'devops.signals': () => [],
    'devops.ticks': () => [],
  }
  const latencies = new Latencies(configuration.performance.targets)
  const reported = (what: 'ticks' | 'member' | 'asked') => (cause: Error) => {
    telemetry.plainPublishFailed(what, cause)
  }
  const startedAt = Date.now()
  const members = new MemberTable()
  const pipeline = new Pipeline({
    groupId: kafka.groupId,
    instance,
    consumers: createKafka(configuration, 'consumer-group', log),
    producers,
    admin,
    codec,
    engine,
    snapshotFolder,
    snapshotIntervalMs: consumer.snapshotIntervalSeconds * 1000,
    handlers,
    reattach,
    telemetry,
    now: Date.now,
    onVisible: (topic, tookMs) => {
      latencies.visible(topic, tookMs)
    },
    onChange: () => {
      report.changed()
    },
    onFatal: fatal(log),
  })
  const ownShards = (): number[] =>
    pipeline
      .shards()
      .filter((owned) => !owned.isLost)
      .map(({ shard }) => shard)
      .sort((a, b) => a - b)
  const report = startMemberReport({
    publisher,
    codec,
    member: () => ({ instance, address, shards: ownShards(), since: startedAt, at: Date.now() }),
    onFailure: reported('member'),
  })
  const memberReader = await readTopic(producers, codec, {
    topic: 'devops.members',
    from: 'beginning',
    follow: true,
    onRecord: ({ key }, member) => {
      if (key !== null) members.accept(key.toString('utf8'), member)
    },
    onUndecodable: () => undefined,
    onError: fatal(log),
  })
  const stopTicker = startTicker({
    publisher,
    codec,
    instance,
    now: Date.now,
    liveShards: () =>
      pipeline
        .shards()
        .filter(({ state }) => state === 'live')
        .map(({ shard }) => shard),
    onFailure: reported('ticks'),
  })
  const asked = createAskedPublisher({ publisher, codec, registry, onFailure: reported('asked') })

  const server = createHttpServer({
    process: 'consumer',
    host: consumer.host,
    port: consumer.port,
    registry,
    log,
    bodyBytesMax: QUERY_BYTES_MAX,
    ready: () => {
      const notLive = pipeline.shards().filter(({ state }) => state !== 'live')
      const detail = { shards: ownShards().length, restoring: notLive.map(({ shard }) => shard), models: modelsRead }
      return { ready: pipeline.hasJoined && notLive.length === 0 && modelsRead, detail }
    },
  })
  addQueryRoutes(server, {
    context: {
      shards: () => pipeline.shards().map(viewOf),
      ownerOf: (shard) => members.addressOf(shard, Date.now()),
      isInTouch: () => pipeline.isInTouch(),
      now: Date.now,
      memory: () => engine.memory(),
      ask: createAsk(deps),
      keepAsked: (entry) => {
        asked.keep(entry)
      },
      forecaster: () => capacity.champion(),
      models: () => [
        ...shelf.list().map(({ model, stage, version, since }) => ({
          model,
          stage,
          version,
          since: new Date(since).toISOString(),
        })),
        ...capacity.list(),
      ],
      targets: () => latencies.targets(),
    },
    owners: () => ({ instance, address, shards: ownShards(), members: members.members(Date.now()) }),
    onAnswered: (query, tookMs) => {
      processTelemetry.queryAnswered(query, tookMs)
      if (query === 'predict_deployment') latencies.predicted(tookMs)
    },
  })

  // Classifiers and forecasts answer one row at a time, for which a plain loop beats any TF.js backend.
  processTelemetry.started(instance, address, 'plain loop', unusedKeys(configuration), loggable(configuration))
  await listen(server, consumer.host, consumer.port)
  await pipeline.start()

  onShutdown(log, async () => {
    stopTicker()
    await pipeline.stop()
    await report.leave()
    await server.close()
    await asked.flush()
    await publisher.close()
    await Promise.all([models.close(), memberReader.close(), admin.disconnect()])
  })
}

/** What no retry here can mend: the supervisor starts a new process, which restores. */
const fatal = (log: Log) => (cause: unknown) => {
  log.fatal({ event: 'process_failed', err: cause }, 'the consumer cannot go on')
  process.exit(1)
}

function engineOptions({ server, memory }: Configuration): EngineOptions {
  const { infrastructureState, deploymentHistory, incidentDatabase, activeOperations } = memory.allocations
  const quotaBytes = {
    infrastructure_state: infrastructureState,
    deployment_history: deploymentHistory,
    incident_database: incidentDatabase,
    active_operations: activeOperations,
  }
  // A region may double by borrowing what the others leave free.
  return { poolBytes: server.memoryAllocation, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS }
}

/** IANA zone of a service <environment>/<name>. */
function zoneOf(catalog: Catalog, otherwise: string): (service: string) => string {
  return (service) => catalog.services.get(service.slice(service.indexOf('/') + 1).toLowerCase())?.timeZone ?? otherwise
}

/** An address that others can use: a server that listens everywhere is reached on loopback at least. */
function addressHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

const configuration = readConfiguration({ file: null, env: process.env })
const log = createLog('consumer', configuration.logLevel)
await run(configuration, log).catch(fatal(log))
