/** `npm run bench:loop [-- --json] [-- --seconds N] [-- --rounds N]`: the whole loop on this machine, with a peer beside it. */
import { parseArgs } from 'node:util'

import { System } from '../harness/system.ts'
import { type LatencyRow, benchLatency } from './latency.ts'
import { readyModels } from './models.ts'
import { type Quantiles, median } from './quantiles.ts'
import { type IngestRow, benchOurs, benchPrometheus } from './remoteWrite.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
  },
})

const say = (line: string): void => {
  if (!values.json) console.log(line)
}

function medianRow(rows: readonly IngestRow[]): IngestRow {
  const first = rows[0]
  if (first === undefined) throw new Error('no round was run')
  const cpu = Object.keys(first.cpuSecondsPerMillion).map((who) => [
    who,
    Math.round(median(rows.map((r) => r.cpuSecondsPerMillion[who] ?? NaN)) * 100) / 100,
  ])
  return {
    who: first.who,
    samplesPerSecond: median(rows.map((r) => r.samplesPerSecond)),
    cpuSecondsPerMillion: Object.fromEntries(cpu) as Record<string, number>,
  }
}

const shownOf = (row: LatencyRow): readonly (readonly [string, Quantiles])[] => [
  ['accepted', row.accepted],
  ['visible', row.visible],
  ['headline, computed in', row.computed.headline],
  ['predict_deployment', row.asked],
  ['  computed in', row.computed.asked],
  ['forecast_capacity', row.forecast],
  ['  asked again', row.forecastAgain],
  ['  computed in', row.computed.forecast],
]

function showLatency(row: LatencyRow): void {
  say(`${String(row.eventsPerSecond)} events/s`)
  for (const [label, q] of shownOf(row)) {
    say(
      `  ${label.padEnd(22)} p50 ${q.p50.toFixed(2).padStart(8)} ms   p99 ${q.p99.toFixed(2).padStart(8)} ms   max ${q.max.toFixed(2).padStart(8)} ms   n ${String(q.n)}`,
    )
  }
}

say('starting the system …')
// Nothing is learnt while it is measured: the models are given.
const system = await System.start({ env: { DEVOPS_LEARNING_TRAINING_MIN_SAMPLES: '1000000' } })
try {
  say('models and series …')
  const series = await readyModels(system)
  await benchLatency(system, series, 50, 3) // warm-up, not counted
  const latency: LatencyRow[] = []
  for (const rate of [100, 1000]) {
    const row = await benchLatency(system, series, rate, Number(values.seconds))
    latency.push(row)
    showLatency(row)
  }

  const ours: IngestRow[] = []
  const theirs: IngestRow[] = []
  for (let round = 0; round < Number(values.rounds); round += 1) {
    ours.push(await benchOurs(system, round))
    const peer = await benchPrometheus()
    if (peer !== null) theirs.push(peer)
  }
  const rows = [medianRow(ours), ...(theirs.length > 0 ? [medianRow(theirs)] : [])]
  say('remote write, full speed, 500 samples a request (median of the rounds)')
  for (const row of rows) {
    const cpu = Object.entries(row.cpuSecondsPerMillion)
    const sum = cpu.reduce((total, [, seconds]) => total + seconds, 0)
    say(
      `  ${row.who.padEnd(18)} ${String(row.samplesPerSecond).padStart(8)} samples/s   CPU s per million ${sum.toFixed(2)} (${cpu.map(([who, s]) => `${who} ${s.toFixed(2)}`).join(', ')})`,
    )
  }
  if (theirs.length === 0) say('  no Prometheus on this machine: no peer beside it')
  if (values.json) console.log(JSON.stringify({ latency, remoteWrite: rows, rounds: ours.length }))
} finally {
  await system.stop()
}
