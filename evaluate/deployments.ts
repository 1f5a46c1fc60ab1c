/**
 * Runs of a data set through the live path: their events go through the deployment handler into engine shards, predictions
 * and outcomes come back as ledger entries; the scored ones go to whoever learns.
 */
import { createDeploymentHandler } from '../consumers/deployments/handler.ts'
import type { DeploymentTelemetry } from '../consumers/deployments/telemetry.ts'
import type { AnswerRules } from '../consumers/models/answerClass.ts'
import type { Shelf } from '../consumers/models/shelf.ts'
import { scoredRowOf } from '../consumers/trainer/scoredRow.ts'
import type { ScoredRow } from '../consumers/trainer/scoredRow.ts'
import type { ShardDoor } from '../rust-engine/ts/door.ts'
import type { DeploymentEvent, LedgerEntry } from '../schemas/generated/events.ts'
import { partitionOf } from '../schemas/topics.ts'
import { zeroMsOf } from './calendar.ts'
import { finishedEvent, startedEvent } from './ciRun.ts'
import type { CiOutcome, CiRun } from './ciRun.ts'

export interface ReplayDeps {
  readonly shardOf: (partition: number) => ShardDoor
  readonly shelf: Shelf
  readonly rules: AnswerRules
  /** Gets what a trainer would read in the ledger. */
  readonly scored: (row: ScoredRow) => void
}

export interface Replay {
  /** Takes whole runs of the past in, interleaved by when each thing was known. */
  learn(history: readonly { readonly run: CiRun; readonly outcome: CiOutcome }[]): void
  /** A run starts: its headline prediction. */
  ask(run: CiRun): LedgerEntry
  outcome(runId: string, outcome: CiOutcome): void
  /** The clock that the replayed projects share, ms since their first ask. */
  readonly now: number
}

/** The evaluation reports by its own protocol. */
const silent: DeploymentTelemetry = {
  predicted: () => undefined,
  closed: () => undefined,
  unpredicted: () => undefined,
}

export class RunUnknown extends Error {
  readonly retryable = false
  constructor(runId: string) {
    super(`an outcome for ${runId}, which was never asked`)
    this.name = 'RunUnknown'
  }
}

export function createReplay({ shardOf, shelf, rules, scored }: ReplayDeps): Replay {
  const handle = createDeploymentHandler({
    shelf,
    zoneOf: () => 'UTC',
    rules,
    telemetry: silent,
    stopwatch: () => performance.now(),
    duringMaintenance: () => false,
  })
  const zeros = new Map<string, number>()
  const running = new Map<string, CiRun>()
  /** First ask of each project, s. */
  const firstAsks = new Map<string, number>()
  let offset = 0n
  let now = 0
  let outcomes = 0

  const pass = (event: DeploymentEvent): readonly LedgerEntry[] => {
    const partition = partitionOf(event.service)
    const position = { topic: 'devops.deployments', partition, offset: offset++, at: event.receivedAt }
    const outputs = handle(event, position, shardOf(partition), 'live')
    return outputs.flatMap((output) => (output.topic === 'devops.ledger' ? [output.value] : []))
  }
  const zeroOf = (run: CiRun): number => {
    const known = zeros.get(run.project) ?? zeroMsOf([run])
    zeros.set(run.project, known)
    return known
  }
  const start = (run: CiRun) => {
    running.set(run.runId, run)
    return pass(startedEvent(run, zeroOf(run)))
  }
  const finish = (run: CiRun, outcome: CiOutcome, backfilled: boolean) => {
    running.delete(run.runId)
    for (const entry of pass(finishedEvent(run, zeroOf(run), outcome))) {
      const row = scoredRowOf(entry)
      // Each project has a calendar of its own: the order in which outcomes became known is the time they share.
      if (row !== null) scored({ ...row, outcomeAt: outcomes++, closedAt: now, backfilled })
    }
  }
  const tick = (run: CiRun, atS: number) => {
    const first = firstAsks.get(run.project) ?? run.startS
    firstAsks.set(run.project, first)
    now = Math.max(now, (atS - first) * 1000)
  }
  return {
    get now() {
      return now
    },
    learn: (history) => {
      for (const runs of Map.groupBy(history, ({ run }) => run.project).values()) {
        zeros.set(runs[0]?.run.project ?? '', zeroMsOf(runs.map(({ run }) => run)))
      }
      for (const { run, outcome } of moments(history)) {
        if (outcome === null) start(run)
        else finish(run, outcome, true)
      }
    },
    ask: (run) => {
      tick(run, run.startS)
      const headline = start(run).find((entry) => entry.kind === 'headline')
      if (headline === undefined) throw new Error(`${run.runId} was asked twice`)
      return headline
    },
    outcome: (runId, outcome) => {
      const run = running.get(runId)
      if (run === undefined) throw new RunUnknown(runId)
      tick(run, run.startS + (outcome.durationS ?? 0))
      finish(run, outcome, false)
    },
  }
}

interface Moment {
  readonly at: number
  readonly run: CiRun
  /** null: the run starts */
  readonly outcome: CiOutcome | null
}

/**
 * Starts and ends in the order in which they became known; at the same moment ends come first, as in the streamed replay.
 * Projects share no clock: the last start of each is taken as the same moment, where the replay sets in.
 */
function moments(history: readonly { readonly run: CiRun; readonly outcome: CiOutcome }[]): readonly Moment[] {
  const last = new Map<string, number>()
  for (const { run } of history) last.set(run.project, Math.max(run.startS, last.get(run.project) ?? 0))
  const all = history.flatMap(({ run, outcome }): Moment[] => {
    const at = run.startS - (last.get(run.project) ?? 0)
    return [
      { at, run, outcome: null },
      { at: at + (outcome.durationS ?? 0), run, outcome },
    ]
  })
  const rank = (moment: Moment) => (moment.outcome === null || moment.outcome.durationS === 0 ? 1 : 0)
  const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return all.sort(
    (a, b) =>
      a.at - b.at ||
      rank(a) - rank(b) ||
      byName(a.run.project, b.run.project) ||
      a.run.seq - b.run.seq ||
      (a.outcome === null ? -1 : 1),
  )
}
