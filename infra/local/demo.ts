/** The synthetic fleet of `npm start -- --demo`: history first, then a live one, over HTTP like any source. */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { remoteWriteBody, type Series } from './remoteWriteBody.ts'
import { createFleet, FLEET, workloadOf, type Attempt, type Item } from './syntheticFleet.ts'
import { everyService, metricsOf } from './syntheticMetrics.ts'

const HISTORY_DAYS = 30
const HISTORY_METRIC_DAYS = 8
const HISTORY_METRIC_STEP_MS = 15 * 60_000
const ITEMS_PER_REQUEST = 100
const SAMPLES_PER_REQUEST = 100
const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
const LIVE_EVERY_MS = 4_000
const METRICS_EVERY_MS = 5_000
const RETRIES_MAX = 20

const { values } = parseArgs({
  options: {
    gateway: { type: 'string', default: 'http://127.0.0.1:8080' },
    seed: { type: 'string', default: '1' },
    catalog: { type: 'string' },
  },
})
const seed = Number(values.seed)
const token = process.env['DEVOPS_GATEWAY_TOKEN']
const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
const stopping = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const)
  process.on(name, () => {
    stopping.abort()
  })

const fleet = createFleet(seed)
/** Services with an open incident. */
const troubled = new Set<string>()

async function run(): Promise<void> {
  const now = Date.now()
  console.log(`synthetic data: a made-up fleet of ${FLEET.length} services (seed ${seed}); none of it is real`)
  await sendItems(FLEET.map((of) => workloadOf(of, now, `${of.name}:1`)))
  // Whole days until midnight: another start tells the same of them under the same keys, and nothing is counted twice.
  const today = Math.floor(now / DAY_MS)
  const history = Array.from({ length: HISTORY_DAYS }, (_, index) => fleet.day(today - HISTORY_DAYS + index)).flat()
  await sendItems(
    history
      .flatMap((attempt) => itemsOf(attempt))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item),
  )
  const failed = history.filter((attempt) => attempt.failed).length
  console.log(
    `synthetic history: ${history.length} deployments and CI runs of ${HISTORY_DAYS} days sent, ${failed} of them failed`,
  )
  const samples = await sendMetricHistory(now)
  console.log(`synthetic history: ${samples} samples of ${HISTORY_METRIC_DAYS} days sent`)
  console.log(
    `synthetic and live from here: a deployment or CI run every ${LIVE_EVERY_MS / 1000} s, metrics every ${METRICS_EVERY_MS / 1000} s`,
  )
  await Promise.all([liveMetrics(), liveAttempts()])
}

/** Maps the names in the fleet's metrics to its services, for an installation that has no catalog of its own. */
function catalog(): string {
  const services = FLEET.map((of) => `  ${of.name}: { repositories: [demo/${of.name}] }\n`)
  return `# Made by npm start -- --demo for its synthetic fleet.\nversion: 1\nservices:\n${services.join('')}`
}

const itemsOf = (attempt: Attempt): readonly { at: number; item: Item }[] => [
  { at: attempt.startedAt, item: attempt.started },
  { at: attempt.endedAt, item: attempt.finished },
  ...attempt.incident,
]

async function sendMetricHistory(until: number): Promise<number> {
  const times: number[] = []
  // Times on a grid, so that another start sends the same samples again and not others between them.
  const last = until - (until % HISTORY_METRIC_STEP_MS)
  for (let at = last - HISTORY_METRIC_DAYS * DAY_MS; at <= last; at += HISTORY_METRIC_STEP_MS) times.push(at)
  let samples = 0
  for (const of of FLEET) {
    for (let from = 0; from < times.length; from += SAMPLES_PER_REQUEST) {
      const series = metricsOf(of, times.slice(from, from + SAMPLES_PER_REQUEST), seed, false)
      samples += series.reduce((sum, one) => sum + one.samples.length, 0)
      await sendSeries(series)
    }
  }
  return samples
}

async function liveMetrics(): Promise<void> {
  for (;;) {
    await sendSeries(everyService([Date.now()], seed, troubled))
    await sleep(METRICS_EVERY_MS, undefined, { signal: stopping.signal })
  }
}

/** Plays each hour's attempts from now on; each runs beside the next ones. */
async function liveAttempts(): Promise<void> {
  const open = new Set<Promise<void>>()
  for (let hour = Math.floor(Date.now() / HOUR_MS); ; hour += 1) {
    for (const attempt of fleet.liveHour(hour, LIVE_EVERY_MS)) {
      // Of before this start, or of a time in which the machine slept.
      if (attempt.startedAt < Date.now() - LIVE_EVERY_MS) continue
      await Promise.race([until(attempt.startedAt), failureOf(open)])
      const one = live(attempt)
      open.add(one)
      void one.finally(() => open.delete(one)).catch(() => {})
    }
  }
}

const failureOf = (open: ReadonlySet<Promise<void>>): Promise<never> =>
  new Promise((_, reject) => {
    for (const one of open) one.catch(reject)
  })

async function live(attempt: Attempt): Promise<void> {
  const { service } = attempt.started as { service?: unknown }
  await sendItems([attempt.started])
  await until(attempt.endedAt)
  await sendItems([attempt.finished])
  console.log(
    `synthetic: ${String(service)} ${String(attempt.finished['conclusion'])} after ${Math.round((attempt.endedAt - attempt.startedAt) / 1000)} s`,
  )
  if (!attempt.failed && String(service).startsWith('production/'))
    await sendItems([
      workloadOf(
        attempt.service,
        attempt.endedAt,
        `${attempt.service.name}:${String(attempt.finished['sha']).slice(0, 7)}`,
      ),
    ])
  for (const { at, item } of attempt.incident) {
    await until(at)
    if (item['phase'] === 'firing') troubled.add(attempt.service.name)
    else troubled.delete(attempt.service.name)
    await sendItems([item])
    console.log(`synthetic: incident ${String(item['phase'])}: ${String(item['title'])}`)
  }
}

const until = (at: number): Promise<void> => sleep(Math.max(0, at - Date.now()), undefined, { signal: stopping.signal })

async function sendItems(items: readonly Item[]): Promise<void> {
  for (let from = 0; from < items.length; from += ITEMS_PER_REQUEST) {
    const body = JSON.stringify(items.slice(from, from + ITEMS_PER_REQUEST))
    await post('/v1/events', body, { 'content-type': 'application/json' })
  }
}

async function sendSeries(series: readonly Series[]): Promise<void> {
  await post('/api/v1/write', remoteWriteBody(series), {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  })
}

/** A gateway that is busy or restarting is asked again; one that refuses is an error of this program. */
async function post(path: string, body: string | Buffer, headers: Record<string, string>): Promise<void> {
  for (let retry = 0; ; retry += 1) {
    const answer = await fetch(new URL(path, values.gateway), {
      method: 'POST',
      headers: { ...headers, ...authorization },
      body: typeof body === 'string' ? body : new Uint8Array(body),
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)]),
    }).catch((error: unknown) => {
      if (stopping.signal.aborted || retry === RETRIES_MAX) throw error
      return null
    })
    if (answer?.ok === true) {
      await answer.arrayBuffer()
      return
    }
    const again = answer === null || answer.status === 429 || answer.status === 503
    if (!again || retry === RETRIES_MAX)
      throw new Error(`${path} answered ${String(answer?.status)}: ${(await answer?.text()) ?? ''}`)
    const seconds = Number(answer?.headers.get('retry-after') ?? '1')
    await sleep(1_000 * Math.min(10, Math.max(0.2, seconds)), undefined, { signal: stopping.signal })
  }
}

try {
  if (values.catalog === undefined) await run()
  else await writeFile(values.catalog, catalog())
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
