import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { chooseBackend } from '../consumers/models/backend.ts'
import { createRandom, normal } from '../consumers/models/random.ts'
import { CAPACITY_TRAINING } from '../consumers/trainer/capacity.ts'
import { evaluateCapacity, originsOf } from './capacity.ts'
import { SeriesInvalid, readHourlySeries } from './capacitySeries.ts'

const SMALL = { ...CAPACITY_TRAINING, syntheticSeries: 4, syntheticSeriesHeldOut: 0, members: 1, steps: 8, batch: 64 }
const HOURS = 400

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capacity-'))
  await chooseBackend(['wasm', 'cpu'], null)
})
after(() => rm(folder, { recursive: true }))

/** Rows of 300 s from `from` to `to` hours; the same seed gives the same values. */
function rowsOf(
  from: number,
  to: number,
  change: (row: number, value: number) => number = (_, value) => value,
): string {
  const random = createRandom(11)
  const lines = ['t_s,cpu,memory']
  for (let row = 0; row < to * 12; row++) {
    const value = 50 + 10 * Math.sin((2 * Math.PI * row) / 288) + normal(random)
    if (row >= from * 12) lines.push(`${row * 300},${change(row, value)},${30 + row / 1000}`)
  }
  return `${lines.join('\n')}\n`
}

interface Row {
  readonly series: string
  readonly origin: number
  readonly horizon: number
  readonly mean: readonly number[]
  readonly p10: readonly number[]
  readonly p90: readonly number[]
}

async function forecasts(history: string | null, replay: string): Promise<readonly Row[]> {
  const files = {
    history: join(folder, 'fleet.csv'),
    replay: join(folder, 'fleet.later.csv'),
    out: join(folder, 'out'),
  }
  await writeFile(files.replay, replay)
  if (history !== null) await writeFile(files.history, history)
  const task = { history: history === null ? [] : [files.history], replay: [files.replay], out: files.out, seed: 1 }
  evaluateCapacity(task, SMALL)
  const lines = (await readFile(files.out, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Row)
}

test('every judged day of every series has one ordered forecast', async () => {
  const rows = await forecasts(rowsOf(0, 290), rowsOf(290, HOURS))
  const origins = originsOf(HOURS)
  assert.deepEqual(origins, [280, 304, 328, 352, 376])
  assert.deepEqual(
    rows.map(({ series, origin }) => `${series} ${origin}`),
    ['fleet/cpu', 'fleet/memory'].flatMap((series) => origins.map((origin) => `${series} ${origin * 3600}`)),
  )
  for (const { horizon, mean, p10, p90 } of rows) {
    assert.deepEqual([horizon, mean.length, p10.length, p90.length], [24, 24, 24, 24])
    mean.forEach((value, h) => {
      assert.ok((p10[h] ?? NaN) <= value && value <= (p90[h] ?? NaN))
    })
  }
})

test('how the series is cut into files does not matter, and no forecast knows what follows it', async () => {
  const whole = await forecasts(null, rowsOf(0, HOURS))
  assert.deepEqual(await forecasts(rowsOf(0, 300), rowsOf(300, HOURS)), whole)
  const lastDay = (HOURS - 24) * 12
  const changed = rowsOf(0, HOURS, (row, value) => (row < lastDay ? value : 1e6))
  assert.deepEqual(await forecasts(null, changed), whole)
})

test('a missing row is named', async () => {
  const file = join(folder, 'holed.csv')
  await writeFile(file, 't_s,x\n0,1\n600,2\n' + Array.from({ length: 12 }, (_, i) => `${900 + i * 300},1\n`).join(''))
  assert.throws(() => readHourlySeries([file]), SeriesInvalid)
})
