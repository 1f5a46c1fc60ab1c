/** Answers a question about an attempt that has not started. Kept in the ledger as asked; moves no score. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { LedgerEntry, ModelScores } from '../../schemas/generated/events.ts'
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { headlineFrom, predictedEntry } from '../ledger/entry.ts'
import { askedId } from '../ledger/predictionId.ts'
import type { AnswerRules } from '../models/answerClass.ts'
import type { Attempt } from '../models/attempt.ts'
import { baseRateOf } from '../models/baseRate.ts'
import { BASE_RATE_VERSION, predict } from '../models/predict.ts'
import type { Prediction } from '../models/predict.ts'
import { scopeKeys } from '../models/scopes.ts'
import type { PatternSet } from '../patterns/patternSet.ts'
import { adviceOn } from './advice.ts'
import type { ZoneOf } from './attemptOf.ts'
import type { DeploymentDeps } from './handler.ts'
import { localTime } from './localTime.ts'
import { assumedOf } from './openQuestion.ts'
import { readPast } from './past.ts'
import { recentStarts } from './recentStarts.ts'

export type Asked = Omit<
  QueryOutput<'predict_deployment'>,
  'freshThrough' | 'complete' | 'incompleteReason' | 'completeSince'
>
export interface AskAnswer {
  readonly output: Asked
  readonly entry: LedgerEntry
}
export type Ask = (input: QueryInput<'predict_deployment'>, shard: ShardDoor, now: number) => AskAnswer

/** `patterns`: those mined last. */
export function createAsk(deps: DeploymentDeps, patterns: () => PatternSet | null): Ask {
  const { shelf, rules, telemetry, zoneOf, stopwatch, duringMaintenance } = deps
  return (input, shard, now) => {
    const begin = stopwatch()
    const assumed = assumedOf(input, shard)
    const attempt = attemptAsked({ ...assumed, ...input }, shard, zoneOf, now)
    const recent = recentStarts(attempt, null, shard, duringMaintenance)
    const past = readPast(scopeKeys(attempt, recent), attempt.at, recent, shard)
    const { service } = past.outcomes
    // The challenger answers headlines alone: an ask is never scored, so a shadow answer to it would tell nothing.
    const champion = shelf.champion(input.subject)
    const predicted = predict(attempt, past, champion, null, rules)
    const unheard = unheardOf(input, shard)
    const prediction: Prediction = unheard === null ? predicted : { ...predicted, answerClass: 'not_enough_evidence' }
    telemetry.predicted('asked', input.subject, prediction.answerClass, (stopwatch() - begin) / 1000)
    const predictionId = askedId(JSON.stringify(input), now)
    const headline = headlineFrom(predictionId, input.subject, prediction)
    const baseRate = baseRateOf(service)
    return {
      output: {
        predictionId,
        service: input.service,
        subject: input.subject,
        pSuccess: prediction.pSuccess,
        answerClass: prediction.answerClass,
        riskLevel: prediction.riskLevel,
        durationSeconds: prediction.duration,
        evidence: {
          effectiveSamples: prediction.evidence,
          minSamples: rules.minSamples,
          serviceOutcomes: service.count,
          baseRate: baseRate.success,
          baseRateInterval: { low: baseRate.low, high: baseRate.high },
          assumed,
          missing: unheard ?? missing(prediction, service.count, rules),
        },
        modelVersion: prediction.modelVersion,
        liveScore: liveScoreOf(shelf.scores(input.subject, prediction.modelVersion)),
        ...adviceOn(attempt, past, prediction, champion, shard, deps, patterns()),
      },
      entry: predictedEntry('asked', headline, {
        service: input.service,
        environment: input.service.split('/', 1)[0] ?? '',
        trace: null,
        subjectKey: `asked:${predictionId}`,
        attempt: 1,
        occurredAt: attempt.at,
        receivedAt: now,
        backfilled: false,
      }),
    }
  }
}

function liveScoreOf(scores: ModelScores | null): Asked['liveScore'] {
  if (scores === null) return null
  const { outcomes, from, to, accuracy, logLoss, brier, baseRateAccuracy, baseRateLogLoss, baseRateBrier } = scores
  return {
    outcomes,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    accuracy,
    logLoss,
    brier,
    baseRate: { accuracy: baseRateAccuracy, logLoss: baseRateLogLoss, brier: baseRateBrier },
  }
}

function attemptAsked(
  input: QueryInput<'predict_deployment'>,
  shard: Pick<ShardDoor, 'changeOf'>,
  zoneOf: ZoneOf,
  now: number,
): Attempt {
  const at = input.at === undefined ? now : Date.parse(input.at)
  const sha = input.sha ?? null
  return {
    subject: input.subject,
    service: input.service,
    workflow: input.workflow ?? null,
    branch: input.branch ?? null,
    actor: input.actor ?? null,
    trigger: input.trigger ?? null,
    pullRequest: input.pullRequest ?? null,
    sha,
    change: input.change ?? (sha === null ? null : shard.changeOf(input.service, sha)),
    attempt: 1,
    at,
    ...localTime(at, zoneOf(input.service)),
  }
}

const SUBJECT_NAMES = { deployment: 'deployment', ci_run: 'CI run' } as const

/** Why nothing of what was asked about has been seen, where that is so. */
function unheardOf(
  { service, subject }: QueryInput<'predict_deployment'>,
  shard: Pick<ShardDoor, 'service'>,
): string | null {
  const record = shard.service(service)
  if (record === null) return `service ${service} is not known: no event of it was seen`
  const runs = { deployment: record.deployments, ci_run: record.ciRuns }
  if (runs[subject] > 0) return null
  const other = subject === 'deployment' ? 'ci_run' : 'deployment'
  const none = `no ${SUBJECT_NAMES[subject]} of this service was seen`
  return runs[other] === 0 ? none : `${none}; ask with subject ${other}, of which it has ${runs[other]}`
}

function missing(prediction: Prediction, outcomes: number, rules: AnswerRules): string | null {
  const short = Math.ceil(rules.minSamples - prediction.evidence)
  const model = prediction.modelVersion === BASE_RATE_VERSION
  if (short <= 0 && !model) return null
  const parts = [
    ...(short > 0 ? [`about ${short} more finished runs of this service (it has ${outcomes})`] : []),
    ...(model
      ? ['a model that has beaten the base rate on later outcomes; until then the smoothed base rate answers']
      : []),
  ]
  return parts.join('; ')
}
