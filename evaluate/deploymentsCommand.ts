/** `evaluate deployments`: answers a streamed replay of CI runs through the live path. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { chooseBackend } from '../consumers/models/backend.ts'
import { createShelf } from '../consumers/models/shelf.ts'
import type { Shelf } from '../consumers/models/shelf.ts'
import type { ScoredRow } from '../consumers/trainer/scoredRow.ts'
import { openEngine } from '../rust-engine/ts/engine.ts'
import type { ShardDoor } from '../rust-engine/ts/door.ts'
import type { LedgerEntry } from '../schemas/generated/events.ts'
import { SHARDS } from '../schemas/topics.ts'
import { ciOutcomeOf, ciRunOf } from './ciRun.ts'
import { readCsv } from './csv.ts'
import { createReplay } from './deployments.ts'
import { createLearning, putOnShelf } from './learning.ts'
import type { Learning } from './learning.ts'
import { messageOf } from './protocol.ts'
import type { StreamAnswer } from './protocol.ts'

export const DEPLOYMENTS_USAGE = `deployments --history FILE... --stream [--seed N] [--weights FILE] [--save-weights FILE]
  --history FILE       CSV (.gz) of earlier runs with their outcomes; may be given more than once
  --stream             answer asks on standard input with predictions on standard output, JSON Lines
  --seed N             seed of all that is random in learning (default 1)
  --weights FILE       answer with these weights and never learn
  --save-weights FILE  write the weights learnt from the history
  --ledger FILE        append every headline as a ledger entry, JSON Lines`

/** The defaults of the configuration: what a new installation runs with. */
const RULES = { minSamples: 100, confidenceThreshold: 0.7 }
const RETRAIN_INTERVAL_MS = 3600 * 1000
const MIB = 1024 ** 2
const NATIVE_FOLDER = '.native/tfjs-node'

export class UsageError extends Error {
  readonly retryable = false
  constructor(reason: string, usage: string) {
    super(`${reason}\nusage: npm run -s evaluate -- ${usage}`)
    this.name = 'UsageError'
  }
}

function optionsOf(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      history: { type: 'string', multiple: true },
      stream: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      weights: { type: 'string' },
      'save-weights': { type: 'string' },
      ledger: { type: 'string' },
    },
  })
  const seed = Number(values.seed)
  if (!values.stream) throw new UsageError('only the streamed replay is there: --stream is missing', DEPLOYMENTS_USAGE)
  if (values.history === undefined) throw new UsageError('--history is missing', DEPLOYMENTS_USAGE)
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${values.seed} is no whole number`, DEPLOYMENTS_USAGE)
  return {
    history: values.history,
    seed,
    weights: values.weights,
    saveWeights: values['save-weights'],
    ledger: values.ledger,
  }
}

export async function evaluateDeployments(args: readonly string[]): Promise<void> {
  const options = optionsOf(args)
  const shelf = createShelf()
  const given = options.weights === undefined ? null : readFileSync(options.weights)
  const learning = given === null ? await openLearning(shelf, options.seed) : null
  if (given !== null) await putOnShelf(shelf, given)
  const scored = (row: ScoredRow) => learning?.add(row)
  const replay = createReplay({ shardOf: openShards(), shelf, rules: RULES, scored })
  replay.learn(options.history.flatMap(readCsv).map((row) => ({ run: ciRunOf(row), outcome: ciOutcomeOf(row) })))
  await learning?.round(replay.now)
  if (options.saveWeights !== undefined) {
    const weights = learning?.weights() ?? given
    if (weights === null)
      throw new UsageError('the history is too short for a model that beats the base rate', DEPLOYMENTS_USAGE)
    writeFileSync(options.saveWeights, weights)
  }
  // Durations are given for all runs or for none: without a model a new project has none.
  const withDuration = shelf.champion('ci_run') !== null
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
  for await (const line of lines) {
    const message = messageOf(line)
    if (message.type === 'end') break
    if (message.type === 'ask') {
      const headline = replay.ask(ciRunOf(message.run))
      if (options.ledger !== undefined) writeFileSync(options.ledger, `${JSON.stringify(headline)}\n`, { flag: 'a' })
      process.stdout.write(`${JSON.stringify(answerOf(String(message.run['run_id']), headline, withDuration))}\n`)
    } else {
      replay.outcome(message.run_id, { success: message.success, durationS: message.duration_s })
      await learning?.round(replay.now)
    }
  }
  lines.close()
}

async function openLearning(shelf: Shelf, seed: number): Promise<Learning> {
  const { why } = await chooseBackend(['native', 'wasm', 'cpu'], NATIVE_FOLDER)
  console.error(why)
  const schedule = { minSamples: RULES.minSamples, intervalMs: RETRAIN_INTERVAL_MS }
  return createLearning(shelf, schedule, seed, (line) => {
    console.error(line)
  })
}

function answerOf(runId: string, headline: LedgerEntry, withDuration: boolean): StreamAnswer {
  const { pSuccess, answerClass, durationP10: p10, durationP50: p50, durationP90: p90 } = headline
  const answer = { run_id: runId, p_success: pSuccess, confident: answerClass === 'confident' }
  if (!withDuration || p10 === null || p50 === null || p90 === null) return answer
  return { ...answer, duration_s: { p10, p50, p90 } }
}

/** The pool and quotas of a new installation. */
function openShards(): (partition: number) => ShardDoor {
  const quotaBytes = {
    infrastructure_state: 1024 * MIB,
    deployment_history: 512 * MIB,
    incident_database: 256 * MIB,
    active_operations: 256 * MIB,
  }
  const engine = openEngine({ poolBytes: 2048 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS })
  const shards = Array.from({ length: SHARDS }, (_, shard) => engine.createShard(shard))
  return (partition) => {
    const shard = shards[partition]
    if (shard === undefined) throw new RangeError(`shard ${partition} of ${SHARDS}`)
    return shard
  }
}
