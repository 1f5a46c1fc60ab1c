/** What a system in use has and a fresh one lacks: models that answer, outcomes behind them, hours of series to forecast. */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { publishChampion, championOf } from '../harness/models.ts'
import { csvOf, syntheticRuns } from '../harness/runs.ts'
import { type System, eventually } from '../harness/system.ts'
import { writeRequest } from './remoteWriteBody.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const HOUR_MS = 3_600_000
const HISTORY_HOURS = 21 * 24
/** The trainer learns its forecaster from seeded synthetic series at its start. */
const CAPACITY_MS_MAX = 10 * 60_000
const SERVICES = 10
const SERIES_PER_SERVICE = 40

export const SERVED_METRIC = 'bench_load'

export interface ServedSeries {
  readonly service: string
  readonly shard: string
}

/** Classifiers with seeded weights, a forecaster, and series that were never asked about. */
export async function readyModels(system: System): Promise<ServedSeries[]> {
  const file = (name: string) => join(system.folder, name)
  await writeFile(file('history.csv'), csvOf(syntheticRuns({ seed: 1, runs: 600 })))
  const save = ['--history', file('history.csv'), '--save-weights', file('weights'), '--seed', '7']
  execFileSync(process.execPath, ['evaluate/main.ts', 'deployments', '--stream', ...save], {
    cwd: root,
    input: '{"type":"end"}\n',
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await publishChampion(system, ['deployment', 'ci_run'], await readFile(file('weights')))
  const series = await writeSeries(system)
  await championOf(system, 'capacity', CAPACITY_MS_MAX)
  return series
}

async function writeSeries(system: System): Promise<ServedSeries[]> {
  const endMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  const all: ServedSeries[] = []
  for (let service = 0; service < SERVICES; service += 1) {
    for (let shard = 0; shard < SERIES_PER_SERVICE; shard += 1) {
      const labels = { __name__: SERVED_METRIC, environment: 'production', job: 'bench' }
      const samples = Array.from({ length: HISTORY_HOURS }, (_, hour) => ({
        timestamp: endMs - (HISTORY_HOURS - hour) * HOUR_MS,
        value: 100 + 40 * Math.sin(((hour + shard) * Math.PI) / 12) + ((hour * 7919 + shard * 104_729) % 17),
      }))
      const told = {
        ...labels,
        service: `service-${String(service)}`,
        instance: `10.0.1.${String(service)}:9100`,
        shard: String(shard),
      }
      const answer = await system.post('/api/v1/write', writeRequest([{ labels: told, samples }]), {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      })
      if (!answer.ok) throw new Error(`series refused: ${String(answer.status)} ${await answer.text()}`)
      all.push({ service: `production/service-${String(service)}`, shard: String(shard) })
    }
  }
  const last = all.at(-1)
  await eventually('the series are visible', async () => {
    const input = {
      service: last?.service,
      metric: SERVED_METRIC,
      from: iso(endMs - HOUR_MS),
      to: iso(endMs),
      limit: 20,
    }
    const matchers = [{ name: 'shard', op: '=', value: last?.shard }]
    const answer = (await system.query('query_metrics', { ...input, matchers })) as { series: unknown[] }
    return answer.series.length > 0 ? true : null
  })
  return all
}

const iso = (ms: number): string => new Date(ms).toISOString()
