/** Counts of scores as figures, each with its 95 % interval and the same figure of the base rate beside it. */
import { addCounts, groupsOf, noCounts, quantileOf } from './counts.ts'
import type { PredictorCounts, ScoreCounts } from './counts.ts'
import { aucInterval, meanInterval, medianQuantiles, shareInterval } from './intervals.ts'
import type { Interval } from './intervals.ts'
import { aucOf, calibrationError, calibrationNoise, equalParts, riskiest } from './ranked.ts'

const CALIBRATION_PARTS = 10
const CAPTURED = [0.05, 0.1, 0.5] as const
/** The share of runs that the flagging by budget looks at. */
const BUDGET = 0.1

export interface Figure {
  readonly score: string
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly baseRate: number | null
}

export interface Flagging {
  readonly rule: string
  readonly flagged: number
  readonly caught: number
  readonly falseAlarms: number
}

export interface Scorecard {
  readonly outcomes: number
  readonly failures: number
  readonly censored: number
  readonly byModel: number
  readonly flagging: Flagging[]
  readonly scores: Figure[]
  readonly calibration: { foretold: number; observed: number; low: number; high: number; rows: number }[]
}

export const sumOfCounts = (parts: readonly ScoreCounts[]): ScoreCounts => parts.reduce(addCounts, noCounts())

export function scorecardOf(counts: ScoreCounts): Scorecard {
  const { outcomes, failures, censored, byModel } = counts
  return {
    outcomes,
    failures,
    censored,
    byModel,
    flagging: flaggingOf(counts),
    scores: outcomes === 0 ? [] : figuresOf(counts),
    calibration: equalParts(groupsOf(counts.answer), CALIBRATION_PARTS).map(({ count, successes, sumP }) => ({
      foretold: rounded(sumP / count),
      observed: rounded(successes / count),
      ...roundedInterval(shareInterval(successes, count)),
      rows: count,
    })),
  }
}

function flaggingOf({ answer }: ScoreCounts): Flagging[] {
  const budgeted = riskiest(groupsOf(answer), BUDGET)
  const rule = (name: string, flagged: number, caught: number): Flagging => ({
    rule: name,
    flagged: rounded(flagged),
    caught: rounded(caught),
    falseAlarms: rounded(flagged - caught),
  })
  return [
    rule('p_failure >= 0.5', answer.flagged, answer.caught),
    rule(`riskiest ${BUDGET * 100} %`, budgeted.flagged, budgeted.caught),
  ]
}

function figuresOf(counts: ScoreCounts): Figure[] {
  const { outcomes, answer, baseRate } = counts
  const mean = (score: string, sum: 'logLoss' | 'brier', squares: 'logLossSquares' | 'brierSquares') =>
    figure(
      score,
      answer[sum] / outcomes,
      meanInterval(answer[sum], answer[squares], outcomes),
      baseRate[sum] / outcomes,
    )
  const gain = (score: string, sum: number, squares: number) =>
    figure(score, sum / outcomes, meanInterval(sum, squares, outcomes), null)
  return [
    share('accuracy', answer.correct, outcomes, baseRate.correct),
    mean('log_loss', 'logLoss', 'logLossSquares'),
    mean('brier', 'brier', 'brierSquares'),
    gain('log_loss_gain', counts.logLossGain, counts.logLossGainSquares),
    gain('brier_gain', counts.brierGain, counts.brierGainSquares),
    aucFigure(counts),
    ...calibrationFigures(counts),
    share('confident_coverage', counts.confident, outcomes),
    share('confident_accuracy', counts.confidentCorrect, counts.confident),
    precision(answer, baseRate),
    share('recall', answer.caught, counts.failures, baseRate.caught),
    ...CAPTURED.map((part) => captured(counts, part)),
    ...durationFigures(counts),
  ].filter(({ value }) => value !== null)
}

function aucFigure({ answer, baseRate, failures, outcomes }: ScoreCounts): Figure {
  const auc = aucOf(groupsOf(answer))
  const interval = auc === null ? null : aucInterval(auc, failures, outcomes - failures)
  return figure('auc', auc, interval, aucOf(groupsOf(baseRate)))
}

function calibrationFigures({ answer, baseRate }: ScoreCounts): Figure[] {
  const [own, plain] = [answer, baseRate].map((counts) => equalParts(groupsOf(counts), CALIBRATION_PARTS))
  return [
    figure('ece', calibrationError(own ?? []), null, calibrationError(plain ?? [])),
    figure('ece_by_chance', calibrationNoise(own ?? []), null, calibrationNoise(plain ?? [])),
  ]
}

function precision(answer: PredictorCounts, baseRate: PredictorCounts): Figure {
  const { value, low, high } = share('precision', answer.caught, answer.flagged)
  return { score: 'precision', value, low, high, baseRate: ratio(baseRate.caught, baseRate.flagged) }
}

function captured({ answer, baseRate, failures }: ScoreCounts, part: number): Figure {
  const caughtBy = (counts: PredictorCounts) => riskiest(groupsOf(counts), part).caught
  return share(`capture_${part * 100}`, caughtBy(answer), failures, caughtBy(baseRate))
}

function durationFigures({ durations, durationsInside, durationErrors, durationWidths }: ScoreCounts): Figure[] {
  const at = medianQuantiles(durations)
  const [low, high] = [at && quantileOf(durationErrors, at.low), at && quantileOf(durationErrors, at.high)]
  const interval = low === null || high === null ? null : { low, high }
  return [
    figure('duration_mdape', quantileOf(durationErrors, 0.5), interval, null),
    share('duration_coverage', durationsInside, durations),
    figure('duration_width', quantileOf(durationWidths, 0.5), null, null),
  ]
}

function share(score: string, count: number, rows: number, ofBaseRate: number | null = null): Figure {
  const interval = shareInterval(count, rows)
  return figure(score, ratio(count, rows), interval, ofBaseRate === null ? null : ratio(ofBaseRate, rows))
}

const ratio = (count: number, rows: number): number | null => (rows === 0 ? null : count / rows)

function figure(score: string, value: number | null, interval: Interval | null, baseRate: number | null): Figure {
  return {
    score,
    value: value === null ? null : rounded(value),
    low: interval === null ? null : rounded(interval.low),
    high: interval === null ? null : rounded(interval.high),
    baseRate: baseRate === null ? null : rounded(baseRate),
  }
}

/** Finer than any interval of theirs. */
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

const roundedInterval = (interval: Interval | null) => ({
  low: rounded(interval?.low ?? 0),
  high: rounded(interval?.high ?? 1),
})
