/**
 * The life of a deployment or CI run in a shard: applied to the engine, predicted when it opens, scored when it ends.
 * Every number that a feature reads comes from the engine and the event, so the same log gives the same features.
 */
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentEvent, LedgerEntry } from '../../schemas/generated/events.ts'
import type { Output, Phase, Position } from '../../schemas/outputs.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { attachmentOf, headlineOf } from '../ledger/attachment.ts'
import type { Headline } from '../ledger/attachment.ts'
import { closedEntry, headlineFrom, predictedEntry } from '../ledger/entry.ts'
import type { EntryContext } from '../ledger/entry.ts'
import { headlineId } from '../ledger/predictionId.ts'
import { keepScore } from '../ledger/score.ts'
import type { AnswerRules } from '../models/answerClass.ts'
import type { Attempt } from '../models/attempt.ts'
import type { Past } from '../models/past.ts'
import { changeLines } from '../models/change.ts'
import { predict } from '../models/predict.ts'
import { scopeKeys, serviceKey } from '../models/scopes.ts'
import type { ScopeKeys } from '../models/scopes.ts'
import type { Shelf } from '../models/shelf.ts'
import { timingOf } from '../models/timing.ts'
import { attemptOf } from './attemptOf.ts'
import type { ZoneOf } from './attemptOf.ts'
import type { DuringMaintenance } from './maintenance.ts'
import { censorReason, countedOutcome, durationOf } from './outcome.ts'
import { readPast } from './past.ts'
import { recentStarts } from './recentStarts.ts'
import type { DeploymentTelemetry } from './telemetry.ts'
import { validate } from './validate.ts'

export interface DeploymentDeps {
  readonly shelf: Pick<Shelf, 'champion' | 'challenger' | 'scores'>
  readonly zoneOf: ZoneOf
  readonly rules: AnswerRules
  readonly telemetry: DeploymentTelemetry
  /** A monotone clock in ms, for latency only. */
  readonly stopwatch: () => number
  readonly duringMaintenance: DuringMaintenance
}

export type DeploymentHandler = (
  event: DeploymentEvent,
  position: Position,
  shard: ShardDoor,
  phase: Phase,
) => readonly Output[]

/** Throws InvalidEvent for an event that can't be true. */
export function createDeploymentHandler(deps: DeploymentDeps): DeploymentHandler {
  return (event, position, shard, phase) => {
    validate(event)
    const { opened, closed, record, givenUp } = shard.applyDeployment(JSON.stringify(event), position.at)
    if (record === null || (!opened && !closed)) return []
    const attempt = attemptOf(record, shard, deps.zoneOf, event.occurredAt)
    const recent = recentStarts(attempt, record.key, shard, deps.duringMaintenance)
    const keys = scopeKeys(attempt, recent)
    const pastOf = () => readPast(keys, attempt.at, recent, shard)
    // Its outcome was known before anything of its course was: it teaches, but nothing was foretold.
    const isForetold = !(opened && closed)
    const context = contextOf(record, event, position, isForetold)
    const entries: LedgerEntry[] = []
    let headline = attachedTo(record)
    if (givenUp !== null) {
      const former = attemptOf(givenUp, shard, deps.zoneOf, event.occurredAt)
      const starts = recentStarts(former, givenUp.key, shard, deps.duringMaintenance)
      giveUp(former, scopeKeys(former, starts), shard)
      if (phase === 'live')
        entries.push(...scored(attachedTo(givenUp), givenUp, contextOf(givenUp, event, position, true), deps))
    }
    // Before the start is counted and before the outcome is known, also where both come with one event.
    if (opened && phase === 'live') {
      headline = answer(attempt, pastOf, record, deps)
      shard.attachPrediction(record.service, record.key, record.attempt, attachmentOf(headline))
      entries.push(predictedEntry('headline', headline, { ...context, occurredAt: attempt.at }))
    }
    if (opened) countStart(attempt, keys, shard)
    if (closed) {
      addOutcome(attempt, keys, pastOf, record, event.occurredAt, shard, deps)
      if (phase === 'live') entries.push(...scored(headline, record, context, deps))
    }
    for (const entry of entries) keepScore(entry, shard)
    return entries.map(toLedger)
  }
}

/** After a restore: a headline from the ledger goes back to its attempt, if that still waits for its end. */
export function reattach(entry: LedgerEntry, shard: Pick<ShardDoor, 'attachPrediction'>): boolean {
  const { kind, service, subjectKey, attempt } = entry
  return kind === 'headline' && shard.attachPrediction(service, subjectKey, attempt, attachmentOf(entry))
}

const attachedTo = ({ prediction }: DeploymentRecord): Headline | null =>
  prediction === null ? null : headlineOf(prediction)

/** Reading the past counts as a part of the prediction's time. */
function answer(attempt: Attempt, pastOf: () => Past, record: DeploymentRecord, deps: DeploymentDeps): Headline {
  const begin = deps.stopwatch()
  const { shelf, rules } = deps
  const model = attempt.subject
  const prediction = predict(attempt, pastOf(), shelf.champion(model), shelf.challenger(model), rules)
  deps.telemetry.predicted('headline', model, prediction.answerClass, (deps.stopwatch() - begin) / 1000)
  return headlineFrom(headlineId(record.service, record.key, record.attempt), model, prediction)
}

const present = (keys: readonly (string | null)[]): readonly string[] => keys.filter((key) => key !== null)

function countStart(attempt: Attempt, { starts, size }: ScopeKeys, shard: ShardDoor): void {
  shard.rollingAdd(present(starts), attempt.at, false, NaN)
  // ln(1 + lines) is what the engine keeps of a "duration" of so many lines.
  shard.rollingAdd(present([size]), attempt.at, false, changeLines(attempt.change) ?? NaN)
}

/** So that nobody waits for the outcome of an attempt that has none (features.ts). */
function giveUp(attempt: Attempt, { starts }: ScopeKeys, shard: ShardDoor): void {
  shard.rollingAdd(present(starts), attempt.at, true, NaN)
}

function addOutcome(
  attempt: Attempt,
  keys: ScopeKeys,
  pastOf: () => Past,
  record: DeploymentRecord,
  at: number,
  shard: ShardDoor,
  { duringMaintenance }: DeploymentDeps,
): void {
  const outcome = countedOutcome(record, duringMaintenance)
  if (outcome === 'censored') {
    giveUp(attempt, keys, shard)
    return
  }
  const seconds = durationOf(record)
  const timing = seconds === null ? null : timingOf(pastOf(), seconds)
  if (timing !== null) shard.timingsAdd(keys.timings, at, timing)
  shard.rollingAdd(present(keys.outcomes), at, outcome === 'failed', seconds ?? NaN)
  shard.bucketsAdd(serviceKey(attempt.subject, attempt.service), at, outcome === 'failed')
}

function scored(
  headline: Headline | null,
  record: DeploymentRecord,
  context: EntryContext,
  { telemetry, duringMaintenance }: DeploymentDeps,
): readonly LedgerEntry[] {
  const outcome = countedOutcome(record, duringMaintenance)
  telemetry.closed(record.subject, outcome, context.backfilled)
  if (headline === null) {
    telemetry.unpredicted(record.subject)
    return []
  }
  const success = outcome === 'censored' ? null : outcome === 'success'
  const censoredBy = outcome === 'censored' ? censorReason(record, duringMaintenance) : null
  const at = record.finishedAt ?? context.occurredAt
  return [closedEntry(headline, context, { at, success, censoredBy, durationSeconds: durationOf(record) })]
}

const contextOf = (
  record: DeploymentRecord,
  event: DeploymentEvent,
  position: Position,
  isForetold: boolean,
): EntryContext => ({
  service: record.service,
  environment: record.environment,
  trace: event.trace,
  subjectKey: record.key,
  attempt: record.attempt,
  occurredAt: event.occurredAt,
  receivedAt: position.at,
  backfilled: record.backfilled || !isForetold,
})

const toLedger = (value: LedgerEntry): Output => ({
  topic: 'devops.ledger',
  partition: partitionOf(value.service),
  key: value.predictionId,
  value,
})
