/** What stands beside a prediction that was asked for: why, what happened in similar cases, what goes with a lower risk. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import type { Attempt } from '../models/attempt.ts'
import type { Past } from '../models/past.ts'
import type { Classifier } from '../models/classifier.ts'
import { explain } from '../models/factors.ts'
import { featuresOf } from '../models/features.ts'
import type { Prediction } from '../models/predict.ts'
import { scopeKeys } from '../models/scopes.ts'
import { strategyOf } from '../models/strategy.ts'
import { EMPTY_SET } from '../patterns/patternSet.ts'
import type { PatternSet } from '../patterns/patternSet.ts'
import { isQuietStart } from '../patterns/starts.ts'
import type { ZoneOf } from './attemptOf.ts'
import type { DeploymentDeps } from './handler.ts'
import type { LocalTime } from './localTime.ts'
import { lowerRisk } from './lowerRisk.ts'
import { durationOf } from './outcome.ts'
import { pastCases } from './pastCases.ts'
import type { PastCase } from './pastCases.ts'
import { readPast } from './past.ts'

type Advice = Pick<QueryOutput<'predict_deployment'>, 'explanation' | 'similarCases' | 'lowerRisk' | 'strategy'>

const CASES_SHOWN = 5

/** `model` null: the base rate answered, which has no reasons and no alternatives. */
export function adviceOn(
  attempt: Attempt,
  past: Past,
  prediction: Prediction,
  model: Classifier | null,
  shard: ShardDoor,
  { zoneOf, duringMaintenance }: Pick<DeploymentDeps, 'zoneOf' | 'duringMaintenance'>,
  patterns: PatternSet | null,
): Advice {
  const cases = pastCases(attempt, shard, zoneOf, duringMaintenance)
  return {
    explanation: model === null ? null : explanationOf(model, prediction.features),
    similarCases: cases.slice(0, CASES_SHOWN).map(({ record, success, similarity }) => ({
      key: record.key,
      at: timeText(record.listedAt),
      success,
      durationSeconds: durationOf(record),
      similarity,
    })),
    lowerRisk: model === null ? [] : alternatives(attempt, past, cases, model, shard, zoneOf, patterns),
    strategy: attempt.subject === 'deployment' ? strategyOf(prediction.riskLevel, prediction.answerClass) : null,
  }
}

function explanationOf(model: Classifier, features: Float32Array): Advice['explanation'] {
  const { typical, contributions } = explain(model, features)
  return { typicalPSuccess: 1 / (1 + Math.exp(-typical)), factors: [...contributions] }
}

function alternatives(
  attempt: Attempt,
  past: Past,
  cases: readonly PastCase[],
  model: Classifier,
  shard: ShardDoor,
  zoneOf: ZoneOf,
  patterns: PatternSet | null,
): Advice['lowerRisk'] {
  const pOf = (other: Attempt): number => {
    // Another change has another past; another hour has the same.
    const own =
      other.change === attempt.change ? past : readPast(scopeKeys(other, past.recent), other.at, past.recent, shard)
    return model.pSuccess(featuresOf(other, own))
  }
  const known = (patterns ?? EMPTY_SET).subjects[attempt.subject]
  const isQuiet = (start: LocalTime) => isQuietStart(known, attempt.service, start)
  return lowerRisk(attempt, cases, zoneOf(attempt.service), pOf, isQuiet).map((one) => ({
    ...one,
    startAt: one.startAt === null ? null : timeText(one.startAt),
  }))
}

const timeText = (ms: number): string => new Date(ms).toISOString()
