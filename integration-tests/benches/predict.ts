/**
 * `npm run bench:predict [-- --json] [-- --history FILE.csv.gz]`: what one prediction and one lesson take, in this process, without Kafka. Peers in the
 * same run: the network as a TF.js graph beside the plain loop, boosted trees of YDF beside a whole lesson.
 */
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { createAsk } from '../../consumers/deployments/ask.ts'
import type { DeploymentDeps } from '../../consumers/deployments/handler.ts'
import { chooseBackend } from '../../consumers/models/backend.ts'
import { createClassifier } from '../../consumers/models/classifier.ts'
import { layersOf, outputOf } from '../../consumers/models/graph.ts'
import { INPUTS, writeInputRow } from '../../consumers/models/inputRow.ts'
import { forward } from '../../consumers/models/network.ts'
import { createShelf } from '../../consumers/models/shelf.ts'
import { TRAINING, trainClassifier } from '../../consumers/models/train.ts'
import type { ClassifierWeights } from '../../consumers/models/weights.ts'
import { serialise } from '../../consumers/models/weights.ts'
import type { ScoredRow } from '../../consumers/trainer/scoredRow.ts'
import { ciOutcomeOf, ciRunOf, serviceOf } from '../../evaluate/ciRun.ts'
import type { CiOutcome, CiRun } from '../../evaluate/ciRun.ts'
import { readCsv } from '../../evaluate/csv.ts'
import { createReplay } from '../../evaluate/deployments.ts'
import { putOnShelf } from '../../evaluate/learning.ts'
import { openPeer } from '../../evaluate/peer.ts'
import { openShards } from '../../evaluate/shards.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { quantiles } from './quantiles.ts'
import { seededRuns } from './seededRuns.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, history: { type: 'string' } } })

const ROWS = 10_000
const WARM_UP = 200
const ROUNDS = 2_000
const ASKS = 300
const RULES = { minSamples: 100, confidenceThreshold: 0.7 }

interface Measured {
  readonly what: string
  readonly unit: 'ms' | 's'
  readonly p50: number
  readonly p99: number | null
  readonly n: number
}

/** Each call by itself, warm. */
function timed(what: string, calls: number, call: (i: number) => unknown): Measured {
  for (let i = 0; i < WARM_UP; i++) call(i)
  const times = Array.from({ length: calls }, (_, i) => {
    const begin = performance.now()
    call(WARM_UP + i)
    return performance.now() - begin
  })
  const { p50, p99, n } = quantiles(times.map((ms) => ms * 1000))
  return { what, unit: 'ms', p50: p50 / 1000, p99: p99 / 1000, n }
}

function once<T>(what: string, work: () => T): { readonly measured: Measured; readonly result: T } {
  const begin = performance.now()
  const result = work()
  return { measured: { what, unit: 's', p50: (performance.now() - begin) / 1000, p99: null, n: 1 }, result }
}

type Known = { readonly run: CiRun; readonly outcome: CiOutcome }
const history: readonly Known[] =
  values.history === undefined
    ? seededRuns(ROWS + WARM_UP + ROUNDS)
    : readCsv(values.history).map((row) => ({ run: ciRunOf(row), outcome: ciOutcomeOf(row) }))
const [learnt, later] = [history.slice(0, -(WARM_UP + ROUNDS)), history.slice(-(WARM_UP + ROUNDS))]

const measured: Measured[] = []
const { why, name } = await chooseBackend(['native', 'wasm', 'cpu'], '.native/tfjs-node')
const rows: ScoredRow[] = []
const shardOf = openShards()
const shelf = createShelf()
const replay = createReplay({ shardOf, shelf, rules: RULES, scored: (row) => rows.push(row) })
replay.learn(learnt)

const peer = openPeer()
const lessonRows = rows.slice(-ROWS)
const lesson = once(`a lesson of ${lessonRows.length} rows, new weights, ${name}`, () =>
  trainClassifier(lessonRows, { ...TRAINING, seed: 1 }),
)
measured.push(lesson.measured, await lessonOfPeer())
const weights = lesson.result
measured.push(...forwardBeside(weights))

measured.push(timed('headline before there is a model (started event applied, base rate)', ROUNDS / 2, askLater))
await putOnShelf(shelf, serialise(weights))
measured.push(timed('headline by the model (started event applied, features, answer)', ROUNDS / 2 - WARM_UP, askMore))
measured.push(timed('predict_deployment, explained, with past cases and advice', ASKS, explained()))
show()
await peer.close()
process.exit()

function askLater(i: number): void {
  const next = later[i]
  if (next !== undefined) replay.ask(next.run)
}

function askMore(i: number): void {
  askLater(WARM_UP + ROUNDS / 2 + i)
}

/** The peer's own time from the rows to its first answer. */
async function lessonOfPeer(): Promise<Measured> {
  for (const row of lessonRows) peer.add(row)
  const first = lessonRows[0]
  if (first === undefined) throw new Error('the history has no rows')
  const begin = performance.now()
  await peer.answer(first.features)
  return {
    what: `the same rows by YDF's boosted trees`,
    unit: 's',
    p50: (performance.now() - begin) / 1000,
    p99: null,
    n: 1,
  }
}

function forwardBeside({ outcome, ...scaling }: ClassifierWeights): Measured[] {
  const network = outcome[0]
  if (network === undefined) throw new Error('no network was learnt')
  const input = new Float32Array(INPUTS)
  const inputOf = (i: number) => {
    const row = lessonRows[i % lessonRows.length]
    if (row !== undefined) writeInputRow(row.features, scaling, input)
    return input
  }
  const layers = layersOf(network)
  const classifier = createClassifier({ outcome, ...scaling }, 'measured')
  return [
    timed('one row, whole classifier', ROUNDS, (i) =>
      classifier.pSuccess(lessonRows[i % lessonRows.length]?.features ?? input),
    ),
    timed('one row, one network, plain loop', ROUNDS, (i) => forward(network, inputOf(i))),
    timed(`one row, one network, TF.js graph, ${name}`, ROUNDS, (i) =>
      tf.tidy(() => outputOf(layers, tf.tensor2d(inputOf(i), [1, INPUTS])).dataSync()),
    ),
  ]
}

function explained(): (i: number) => unknown {
  const deps: DeploymentDeps = {
    shelf,
    zoneOf: () => 'UTC',
    duringMaintenance: () => false,
    rules: RULES,
    telemetry: { predicted: () => undefined, closed: () => undefined, unpredicted: () => undefined },
    stopwatch: () => performance.now(),
  }
  const ask = createAsk(deps, () => null)
  const now = Date.now()
  const services = [...new Set(learnt.map(({ run }) => serviceOf(run)))]
  return (i) => {
    const service = services[i % services.length] ?? ''
    return ask({ service, subject: 'ci_run' }, shardOf(partitionOf(service)), now)
  }
}

function show(): void {
  if (values.json) {
    console.log(JSON.stringify({ backend: name, measured }))
    return
  }
  console.log(why)
  for (const { what, unit, p50, p99, n } of measured) {
    const tail = p99 === null ? '' : `   p99 ${p99.toFixed(3).padStart(8)} ${unit}   n ${n}`
    console.log(`${what.padEnd(74)} ${p99 === null ? '   ' : 'p50'} ${p50.toFixed(3).padStart(8)} ${unit}${tail}`)
  }
}
