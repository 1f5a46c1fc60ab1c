/** The trainer: reads the ledger, learns in a process that ends, publishes models, says which one answers, and shows the scores. */
import { join, resolve } from 'node:path'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import { createHttpServer, listen } from '../../runtime/http/server.ts'
import { createKafka } from '../../runtime/kafka/client.ts'
import { openCodec } from '../../runtime/kafka/codec.ts'
import { createPublisher } from '../../runtime/kafka/publisher.ts'
import { readTopic } from '../../runtime/kafka/topicReader.ts'
import { onShutdown } from '../../runtime/shutdown.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { createRegistry } from '../../runtime/telemetry/metrics.ts'
import { createForecastShelf } from '../models/forecastShelf.ts'
import { createShelf } from '../models/shelf.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import { createPatternShelf } from '../patterns/patternShelf.ts'
import { createCourse } from './course.ts'
import type { Course } from './course.ts'
import { createLoop } from './loop.ts'
import { MODELS_TOPIC, causeOf } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { addModelRoutes } from './modelRoutes.ts'
import { OutcomesUnavailable, ownOutcomes } from './ownOutcomes.ts'
import { SeriesUnavailable, ownSeries } from './ownSeries.ts'
import { createPatternCourse } from './patternCourse.ts'
import { publishModels } from './publishModels.ts'
import { runTask } from './runTask.ts'
import { scoredRowOf } from './scoredRow.ts'
import { createTrainerTelemetry } from './telemetry.ts'

const MODELS = ['deployment', 'ci_run']
const ROUND_MS = 2000
const TRAINING_MS_MAX = 15 * 60_000
const BODY_BYTES_MAX = 64 * 1024
const NATIVE_FOLDER = '.native/tfjs-node'
const CAPACITY_INTERVALS = 24

const configuration = readConfiguration({ file: null, env: process.env })
const log = createLog('trainer', configuration.logLevel)
const registry = createRegistry('trainer')
const telemetry = createTrainerTelemetry(registry, log, MODELS)
const stopping = new AbortController()
const isStopping = () => stopping.signal.aborted
const state = { ledger: 'reading', models: 'reading' }
const isReady = () => state.ledger === 'read' && state.models === 'read'

const server = createHttpServer({
  process: 'trainer',
  host: configuration.trainer.host,
  port: configuration.trainer.port,
  registry,
  log,
  ready: () => ({ ready: isReady(), detail: { ...state } }),
  bodyBytesMax: BODY_BYTES_MAX,
})
const { minSamples, retrainInterval } = configuration.learning.training
const schedule = { minSamples, intervalMs: retrainInterval * 1000 }
const courses = MODELS.map((model) => createCourse(model, schedule, telemetry))
addModelRoutes(server, { courses, isReady, now: Date.now, publish, onUnwritten: failed })
await listen(server, configuration.trainer.host, configuration.trainer.port)

const kafka = createKafka(configuration, 'trainer', log)
const codec = await openCodec({
  registryUrl: configuration.schemaRegistry.url,
  cacheFolder: join(configuration.stateFolder, 'schemas', 'trainer'),
  log,
})
const publisher = await createPublisher(kafka, { log, registry })
const { host: consumerHost, port: consumerPort, seeds } = configuration.consumer
const consumers = seeds.length > 0 ? seeds : [`http://${consumerHost}:${consumerPort}`]
const patterns = createPatternCourse({
  intervalMs: schedule.intervalMs,
  runsMin: minSamples,
  similarity: configuration.learning.patterns.similarityThreshold,
  outcomes: outcomesOrNone,
  telemetry,
})
const loop = createLoop({
  courses,
  now: Date.now,
  publish,
  run: (task) => runTask(task, stopping.signal, TRAINING_MS_MAX),
  series: seriesOrNone,
  telemetry,
  isStopping,
  nativeFolder: resolve(NATIVE_FOLDER),
  capacityIntervalMs: schedule.intervalMs * CAPACITY_INTERVALS,
  patterns,
})
await rememberModels()
const ledger = await readLedger()
const rounds = runRounds()

onShutdown(log, async () => {
  stopping.abort()
  await ledger.close()
  await rounds
  await loop.idle()
  await server.close()
  await publisher.close()
})

function publish(records: readonly ModelOutgoing[]): Promise<void> {
  return publishModels(publisher, codec, records)
}

/** Which versions hold a stage, from the log of models; it is read once: this process alone writes it. */
async function rememberModels(): Promise<void> {
  const shelf = createShelf(MODELS)
  const capacity = createForecastShelf()
  const mined = createPatternShelf()
  const weightsOf = new Map<string, Buffer>()
  const reader = await readTopic(kafka, codec, {
    topic: MODELS_TOPIC,
    from: 'beginning',
    follow: false,
    onRecord: async (_record, value) => {
      if (value === null) return
      try {
        await shelf.accept(value)
        capacity.accept(value)
        mined.accept(value)
        if (value.weights !== null) weightsOf.set(value.sha256, value.weights)
      } catch (error) {
        // Weights of another feature set can't answer here, nor hold a stage.
        telemetry.modelUnreadable(value.model, error)
      }
    },
  })
  await reader.caughtUp
  for (const { model, stage, version, card, since, cause } of shelf.list()) {
    const weights = weightsOf.get(version)
    if (weights === undefined) continue
    courseOf(model)?.remember(stage, { version, card, weights, since, cause: causeOf(cause) })
  }
  const forecaster = capacity.list().find(({ stage }) => stage === 'champion')
  if (forecaster !== undefined) loop.rememberCapacity(forecaster.version, forecaster.since)
  const set = mined.set()
  if (set !== null) patterns.remember(set)
  state.models = 'read'
}

async function readLedger() {
  const reader = await readTopic(kafka, codec, {
    topic: 'devops.ledger',
    from: 'beginning',
    follow: true,
    onRecord: (_record, entry) => {
      const row = entry === null ? null : scoredRowOf(entry)
      if (entry === null || row === null) return
      courseOf(entry.model)?.add(row)
      patterns.heard()
    },
    onError: failed,
  })
  await reader.caughtUp
  state.ledger = 'read'
  return reader
}

async function runRounds(): Promise<void> {
  while (!isStopping()) {
    try {
      await loop.round()
    } catch (error) {
      if (isStopping()) return
      failed(error)
    }
    await new Promise((resume) => {
      const timer = setTimeout(resume, ROUND_MS)
      stopping.signal.addEventListener('abort', resume, { once: true })
      timer.unref()
    })
  }
}

/** While a consumer restores there are none: the next round asks again. */
async function outcomesOrNone(): Promise<readonly SubjectRow[]> {
  try {
    return await ownOutcomes(consumers, Date.now())
  } catch (error) {
    if (!(error instanceof OutcomesUnavailable)) throw error
    telemetry.outcomesUnavailable(error)
    return []
  }
}

/** The forecaster starts from synthetic series: without own ones it is useful already. */
async function seriesOrNone(): Promise<readonly Float64Array[]> {
  try {
    return await ownSeries(consumers, Date.now())
  } catch (error) {
    if (!(error instanceof SeriesUnavailable)) throw error
    telemetry.seriesUnavailable(error)
    return []
  }
}

function courseOf(model: string): Course | undefined {
  return courses.find((course) => course.model === model)
}

/** Started again, it reads everything anew: nothing is lost. */
function failed(error: unknown): void {
  log.fatal({ event: 'trainer_failed', err: error }, 'the trainer cannot go on')
  process.exit(1)
}
