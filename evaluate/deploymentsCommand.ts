/** `evaluate deployments`: answers a streamed replay of CI runs through the live path. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { chooseBackend } from '../consumers/models/backend.ts'
import { createShelf } from '../consumers/models/shelf.ts'
import type { Shelf } from '../consumers/models/shelf.ts'
import type { ScoredRow } from '../consumers/trainer/scoredRow.ts'
import type { LedgerEntry } from '../schemas/generated/events.ts'
import { ciOutcomeOf, ciRunOf } from './ciRun.ts'
import { readCsv } from './csv.ts'
import { createReplay } from './deployments.ts'
import { createLearning, putOnShelf } from './learning.ts'
import type { Learning } from './learning.ts'
import { openPeer } from './peer.ts'
import { messageOf } from './protocol.ts'
import type { StreamAnswer } from './protocol.ts'
import { openShards } from './shards.ts'
import { createStanding } from './standing.ts'
import { wholeNumber } from './wholeNumber.ts'

/** The defaults of the configuration: what a new installation runs with. */
const RULES = { minSamples: 100, confidenceThreshold: 0.7 }
const RETRAIN_INTERVAL_MS = 3600 * 1000
const NATIVE_FOLDER = '.native/tfjs-node'

export class HistoryTooShort extends Error {
  readonly retryable = false
  constructor() {
    super('the history is too short for a model that beats the base rate: there are no weights to save')
    this.name = 'HistoryTooShort'
  }
}

interface Options {
  readonly history: readonly string[]
  readonly seed: number
  readonly weights?: string
  readonly saveWeights?: string
  readonly ledger?: string
  readonly report?: string
  readonly peer?: true
}

export const deploymentsCommand = (): Command =>
  new Command('deployments')
    .description('answers asks about CI runs on standard input with predictions on standard output, JSON Lines')
    .requiredOption('--history <file...>', 'CSV (.gz) of earlier runs with their outcomes')
    .requiredOption('--stream', 'outcomes come on standard input too, as they become known; there is no other way yet')
    .option('--seed <number>', 'of all that is random in learning', wholeNumber, 1)
    .option('--weights <file>', 'answer with these weights and never learn')
    .option('--save-weights <file>', 'write the weights learnt from the history')
    .option('--ledger <file>', 'append every headline as a ledger entry, JSON Lines')
    .option('--report <file>', 'write how the answers stand beside the base rate on the same runs, Markdown')
    .option('--peer', 'have a gradient-boosted peer learn and answer beside, for the report')
    .action(evaluateDeployments)

async function evaluateDeployments(options: Options): Promise<void> {
  const shelf = createShelf()
  const given = options.weights === undefined ? null : readFileSync(options.weights)
  const learning = given === null ? await openLearning(shelf, options.seed) : null
  if (given !== null) await putOnShelf(shelf, given)
  const peer = options.peer === undefined ? null : openPeer()
  const scored = (row: ScoredRow) => {
    learning?.add(row)
    peer?.add(row)
  }
  const replay = createReplay({ shardOf: openShards(), shelf, rules: RULES, scored })
  const history = options.history.flatMap(readCsv).map((row) => ({ run: ciRunOf(row), outcome: ciOutcomeOf(row) }))
  const standing = createStanding(new Set(history.map(({ run }) => run.project)))
  replay.learn(history)
  await learning?.round(replay.now)
  if (options.saveWeights !== undefined) {
    const weights = learning?.weights() ?? given
    if (weights === null) throw new HistoryTooShort()
    writeFileSync(options.saveWeights, weights)
  }
  // Durations are given for all runs or for none: without a model a new project has none.
  const withDuration = shelf.champion('ci_run') !== null
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
  for await (const line of lines) {
    const message = messageOf(line)
    if (message.type === 'end') break
    if (message.type === 'ask') {
      const run = ciRunOf(message.run)
      const headline = replay.ask(run)
      const beside = (await peer?.answer(Float32Array.from(headline.features))) ?? null
      standing.asked(run.runId, run.project, headline, beside)
      if (options.ledger !== undefined) writeFileSync(options.ledger, `${JSON.stringify(headline)}\n`, { flag: 'a' })
      process.stdout.write(`${JSON.stringify(answerOf(String(message.run['run_id']), headline, withDuration))}\n`)
    } else {
      const outcome = { success: message.success, durationS: message.duration_s }
      standing.outcome(message.run_id, outcome)
      replay.outcome(message.run_id, outcome)
      await learning?.round(replay.now)
    }
  }
  lines.close()
  await peer?.close()
  if (options.report !== undefined) writeFileSync(options.report, standing.markdown())
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
