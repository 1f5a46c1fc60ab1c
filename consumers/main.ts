/** The consumer process: owns shards, keeps their state in the engine, answers queries. Wires; decides nothing. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { readCatalog } from '../runtime/configuration/catalog.ts'
import type { Catalog } from '../runtime/configuration/catalog.ts'
import { loggable, readConfiguration, unusedKeys } from '../runtime/configuration/configuration.ts'
import type { Configuration } from '../runtime/configuration/configuration.ts'
import { createHttpServer, listen } from '../runtime/http/server.ts'
import { openCodec } from '../runtime/kafka/codec.ts'
import type { Codec } from '../runtime/kafka/codec.ts'
import { openKafka } from '../runtime/kafka/open.ts'
import type { Publisher } from '../runtime/kafka/port.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { createLog } from '../runtime/telemetry/log.ts'
import type { Log } from '../runtime/telemetry/log.ts'
import { createRegistry, exportTargets } from '../runtime/telemetry/metrics.ts'
import { openEngine } from '../rust-engine/ts/engine.ts'
import { createAsk } from './deployments/ask.ts'
import { createDeploymentHandler, reattach } from './deployments/handler.ts'
import type { DeploymentDeps } from './deployments/handler.ts'
import { duringMaintenance } from './deployments/maintenance.ts'
import { patternRowOf } from './deployments/patternRow.ts'
import { createDeploymentTelemetry } from './deployments/telemetry.ts'
import { createIncidentHandler } from './incidents/handler.ts'
import { createIncidentTelemetry } from './incidents/telemetry.ts'
import { handleInfrastructure } from './infrastructure/handler.ts'
import { addressOf, engineOptions, mappedByNow, zoneOf } from './installation.ts'
import { keepScore } from './ledger/score.ts'
import { MemoryAlerts } from './memoryAlert.ts'
import { createMemoryTelemetry } from './memoryTelemetry.ts'
import { startMemoryWatch } from './memoryWatch.ts'
import { createMetricHandler } from './metrics/handler.ts'
import { createMetricTelemetry } from './metrics/telemetry.ts'
import { openModelFeed } from './modelFeed.ts'
import type { Handlers } from './pipeline/handlers.ts'
import { startMemberReport } from './pipeline/memberReport.ts'
import { MemberTable } from './pipeline/memberTable.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import type { PipelineOptions } from './pipeline/pipeline.ts'
import { viewOf } from './pipeline/shardView.ts'
import { createPipelineTelemetry } from './pipeline/telemetry.ts'
import type { PipelineTelemetry } from './pipeline/telemetry.ts'
import { startTicker } from './pipeline/ticker.ts'
import { BacktestMemory } from './queries/backtestMemory.ts'
import { createAskedPublisher } from './queries/askedPublisher.ts'
import type { QueryContext } from './queries/context.ts'
import { Latencies } from './queries/latencies.ts'
import { addQueryRoutes } from './queries/routes.ts'
import { openSnapshots } from './snapshotFolder.ts'
import { createConsumerTelemetry } from './telemetry.ts'

const QUERY_BYTES_MAX = 64 * 1024

async function run(configuration: Configuration, log: Log): Promise<void> {
  const instance = randomUUID()
  const registry = createRegistry('consumer')
  exportTargets(registry, configuration.performance.targets)
  const telemetry = createPipelineTelemetry(registry, log)
  const engine = openEngine(engineOptions(configuration))
  const alerts = new MemoryAlerts(configuration.memory.alerts)
  const memory = createMemoryTelemetry(registry, log, engine, alerts)
  const consumerTelemetry = createConsumerTelemetry(registry, log)
  // Classifiers and forecasts answer one row at a time, for which a plain loop beats any TF.js backend.
  const modelsBy = 'plain loop'
  const address = addressOf(configuration)
  consumerTelemetry.started(instance, address, modelsBy, unusedKeys(configuration), loggable(configuration))

  const codec = await openCodec({
    registryUrl: configuration.schemaRegistry.url,
    cacheFolder: join(configuration.stateFolder, 'schemas'),
    log,
  })
  const kafka = openKafka(configuration, 'consumer', log)
  const publisher = await kafka.publisher('publisher', { log, registry })
  const models = await openModelFeed(kafka, codec, consumerTelemetry, fatal(log))

  const catalog = readCatalog(configuration.catalogFile)
  const deployments = deploymentDeps(configuration, catalog, registry, models)
  const latencies = new Latencies(configuration.performance.targets)
  const snapshots = openSnapshots(configuration.stateFolder, await kafka.clusterId())
  consumerTelemetry.snapshotsOpened(snapshots.folder, snapshots.leftAlone)
  const shards = await startShards({
    groupId: configuration.kafka.groupId,
    instance,
    address,
    kafka,
    publisher,
    codec,
    engine,
    snapshotFolder: snapshots.folder,
    snapshotIntervalMs: configuration.consumer.snapshotIntervalSeconds * 1000,
    handlers: handlersOf(deployments, registry, log),
    reattach,
    rescore: keepScore,
    telemetry,
    now: Date.now,
    onVisible: (topic, tookMs) => {
      latencies.visible(topic, tookMs)
      consumerTelemetry.eventVisible(topic, tookMs)
    },
    onFatal: fatal(log),
    onReopen: consumerTelemetry.topicReopened,
  })
  const { pipeline } = shards
  const asked = createAskedPublisher({ publisher, codec, registry, onFailure: failed(telemetry, 'asked') })
  const server = createHttpServer({
    process: 'consumer',
    host: configuration.consumer.host,
    port: configuration.consumer.port,
    registry,
    log,
    bodyBytesMax: QUERY_BYTES_MAX,
    ready: () => readiness(pipeline),
  })
  const context: QueryContext = {
    shards: () => pipeline.shards().map(viewOf),
    ownerOf: (shard) => shards.members.addressOf(shard, Date.now(), address),
    isInTouch: () => pipeline.isInTouch(),
    environments: configuration.environments,
    isMappedByNow: mappedByNow(catalog, Date.now()),
    now: Date.now,
    memory: () => engine.memory(),
    alertLevelOf: (region) => alerts.levelOf(region),
    ask: createAsk(deployments, models.patterns),
    keepAsked: (entry) => {
      asked.keep(entry)
    },
    forecaster: () => models.forecaster(),
    backtests: new BacktestMemory(),
    patternRow: (record, shard) => patternRowOf(record, shard, deployments),
    zoneOf: deployments.zoneOf,
    patterns: models.patterns,
    minSamples: deployments.rules.minSamples,
    models: () => models.list(),
    targets: () => latencies.targets(),
  }
  addQueryRoutes(server, {
    context,
    owners: () => ({ instance, address, shards: ownShards(pipeline), members: shards.members.members(Date.now()) }),
    onAnswered: (query, tookMs) => {
      consumerTelemetry.queryAnswered(query, tookMs)
      if (query === 'predict_deployment') latencies.predicted(tookMs)
    },
  })
  await listen(server, configuration.consumer.host, configuration.consumer.port)
  const stopWatch = startMemoryWatch({
    engine,
    alerts,
    onChange: memory.alertChanged,
    onReleased: memory.idleReleased,
  })
  onShutdown(log, async () => {
    stopWatch()
    await shards.stop()
    await server.close()
    await asked.flush()
    await publisher.close()
    await Promise.all([models.close(), kafka.close()])
  })
  await pipeline.start()
}

interface ShardsOptions extends Omit<PipelineOptions, 'onChange'> {
  readonly address: string
  readonly publisher: Publisher
  readonly codec: Codec
  readonly onReopen: (topic: string, cause: Error) => void
}

/** The pipeline with what tells the others of it; nothing is consumed before pipeline.start(). */
async function startShards(options: ShardsOptions) {
  const { instance, address, publisher, codec, kafka, telemetry, onFatal } = options
  const since = Date.now()
  const members = new MemberTable()
  const pipeline = new Pipeline({
    ...options,
    onChange: () => {
      report.changed()
    },
  })
  const report = startMemberReport({
    publisher,
    codec,
    member: () => ({ instance, address, shards: ownShards(pipeline), since, at: Date.now() }),
    onFailure: failed(telemetry, 'member'),
  })
  const reader = await kafka.read(codec, {
    topic: 'devops.members',
    from: 'beginning',
    follow: true,
    onRecord: ({ key }, member) => {
      if (key !== null) members.accept(key.toString('utf8'), member)
    },
    onUndecodable: () => undefined,
    onReopen: options.onReopen,
    onError: onFatal,
  })
  await reader.caughtUp
  const live = (): number[] => pipeline.shards().flatMap(({ shard, state }) => (state === 'live' ? [shard] : []))
  const stopTicker = startTicker({
    publisher,
    codec,
    instance,
    now: Date.now,
    liveShards: live,
    onFailure: failed(telemetry, 'ticks'),
  })
  return {
    pipeline,
    members,
    async stop() {
      stopTicker()
      await pipeline.stop()
      await report.leave()
      await reader.close()
    },
  }
}

function deploymentDeps(
  { timeZone, learning }: Configuration,
  catalog: Catalog,
  registry: Registry,
  { shelf }: Pick<DeploymentDeps, 'shelf'>,
): DeploymentDeps {
  const zone = zoneOf(catalog, timeZone)
  return {
    shelf,
    zoneOf: zone,
    duringMaintenance: duringMaintenance(catalog.maintenance, zone),
    rules: {
      minSamples: learning.training.minSamples,
      confidenceThreshold: learning.prediction.confidenceThreshold,
    },
    telemetry: createDeploymentTelemetry(registry),
    stopwatch: () => performance.now(),
  }
}

function handlersOf(deployments: DeploymentDeps, registry: Registry, log: Log): Handlers {
  return {
    'devops.deployments': createDeploymentHandler(deployments),
    'devops.metrics': createMetricHandler(createMetricTelemetry(registry, log, Date.now)),
    'devops.incidents': createIncidentHandler(createIncidentTelemetry(registry)),
    'devops.infrastructure': handleInfrastructure,
    // Nothing rests on what crosses services yet: signals, like ticks, move the clock alone.
    'devops.signals': () => [],
    'devops.ticks': () => [],
  }
}

function ownShards(pipeline: Pipeline): number[] {
  const owned = pipeline.shards().filter(({ isLost }) => !isLost)
  return owned.map(({ shard }) => shard).sort((a, b) => a - b)
}

/** One that was given no shards is ready too. */
function readiness(pipeline: Pipeline): { ready: boolean; detail: Record<string, unknown> } {
  const waiting = pipeline.shards().filter(({ state }) => state !== 'live')
  const restoring = waiting.map(({ shard }) => shard)
  const detail = { joined: pipeline.hasJoined, shards: ownShards(pipeline).length, restoring }
  return { ready: pipeline.hasJoined && waiting.length === 0, detail }
}

const failed =
  (telemetry: PipelineTelemetry, what: 'ticks' | 'member' | 'asked') =>
  (cause: Error): void => {
    telemetry.plainPublishFailed(what, cause)
  }

/** What no retry here can mend: the supervisor starts a new process, which restores. */
const fatal =
  (log: Log) =>
  (cause: unknown): void => {
    log.fatal({ event: 'process_failed', err: cause }, cause instanceof Error ? cause.message : 'cannot go on')
    process.exit(1)
  }

const configuration = readConfiguration()
const log = createLog('consumer', configuration.logLevel)
await run(configuration, log).catch(fatal(log))
