/**
 * Scores as sums and counts: those of several shards are added. Sums are exact. What goes by rank (AUC, capture, calibration)
 * rests on counts in bins of .02 log-odds, and medians on bins of 2 %: docs/scorecard.md says how far that is from exact.
 */
import * as z from 'zod'
import type { Group } from './ranked.ts'

/** Bins for one unit of log-odds, or of the logarithm of a duration's error. */
const BINS_PER_UNIT = 50
/** From −10 to 10 log-odds: 1,001 bins; what is beyond counts in the last ones. */
const LOGIT_MAX = 10
/** Errors and widths from .0001 to 1,000 times. */
const LOG_RATIO_MIN = Math.log(1e-4)
const LOG_RATIO_MAX = Math.log(1e3)
/** Keeps the loss of a probability of 0 or 1 finite. */
const P_MIN = 1e-6

const count = z.number().int().min(0)
const predictor = z.object({
  logLoss: z.number(),
  logLossSquares: z.number(),
  brier: z.number(),
  brierSquares: z.number(),
  correct: count,
  flagged: count,
  caught: count,
  bins: z.array(z.tuple([z.number().int(), count, count, z.number()])).describe('[bin, rows, successes, sum of p]'),
})
const histogram = z.array(z.tuple([z.number().int(), count]))

export const scoreCounts = z.object({
  outcomes: count,
  failures: count,
  censored: count,
  byModel: count,
  confident: count,
  confidentCorrect: count,
  answer: predictor,
  baseRate: predictor,
  logLossGain: z.number(),
  logLossGainSquares: z.number(),
  brierGain: z.number(),
  brierGainSquares: z.number(),
  durations: count,
  durationsInside: count,
  durationErrors: histogram,
  durationWidths: histogram,
})
export type ScoreCounts = z.output<typeof scoreCounts>
export type PredictorCounts = ScoreCounts['answer']
type Bin = PredictorCounts['bins'][number]
export type Histogram = ScoreCounts['durationErrors']

/** One closed prediction; NaN stands for none. */
export interface Score {
  readonly pSuccess: number
  readonly baseRate: number
  /** 1 / 0; NaN: ended without an outcome. */
  readonly success: number
  readonly isConfident: boolean
  readonly byModel: boolean
  readonly durationP10: number
  readonly durationP50: number
  readonly durationP90: number
  readonly durationS: number
}

/** Natural logarithm. */
export function logLossOf(p: number, success: boolean): number {
  const clipped = Math.min(Math.max(p, P_MIN), 1 - P_MIN)
  return -Math.log(success ? clipped : 1 - clipped)
}

export function noCounts(): ScoreCounts {
  const empty = () => ({ logLoss: 0, logLossSquares: 0, brier: 0, brierSquares: 0, correct: 0, flagged: 0, caught: 0 })
  return {
    outcomes: 0,
    failures: 0,
    censored: 0,
    byModel: 0,
    confident: 0,
    confidentCorrect: 0,
    answer: { ...empty(), bins: [] },
    baseRate: { ...empty(), bins: [] },
    logLossGain: 0,
    logLossGainSquares: 0,
    brierGain: 0,
    brierGainSquares: 0,
    durations: 0,
    durationsInside: 0,
    durationErrors: [],
    durationWidths: [],
  }
}

/** Counts scores one by one. */
export class ScoreCounter {
  readonly #counts = noCounts()
  readonly #bins = { answer: new Map<number, Bin>(), baseRate: new Map<number, Bin>() }
  readonly #errors = new Map<number, number>()
  readonly #widths = new Map<number, number>()

  add(score: Score): void {
    const counts = this.#counts
    if (Number.isNaN(score.success)) {
      counts.censored++
      return
    }
    const success = score.success === 1
    counts.outcomes++
    if (!success) counts.failures++
    if (score.byModel) counts.byModel++
    if (score.isConfident) {
      counts.confident++
      if (score.pSuccess >= 0.5 === success) counts.confidentCorrect++
    }
    const own = this.#predictor('answer', score.pSuccess, success)
    const plain = this.#predictor('baseRate', score.baseRate, success)
    counts.logLossGain += plain.logLoss - own.logLoss
    counts.logLossGainSquares += (plain.logLoss - own.logLoss) ** 2
    counts.brierGain += plain.brier - own.brier
    counts.brierGainSquares += (plain.brier - own.brier) ** 2
    this.#duration(score)
  }

  counts(): ScoreCounts {
    const { answer, baseRate } = this.#counts
    return {
      ...this.#counts,
      answer: { ...answer, bins: sorted(this.#bins.answer.values()) },
      baseRate: { ...baseRate, bins: sorted(this.#bins.baseRate.values()) },
      durationErrors: sorted(this.#errors),
      durationWidths: sorted(this.#widths),
    }
  }

  #predictor(which: 'answer' | 'baseRate', p: number, success: boolean): { logLoss: number; brier: number } {
    const counts = this.#counts[which]
    const logLoss = logLossOf(p, success)
    const brier = (p - (success ? 1 : 0)) ** 2
    counts.logLoss += logLoss
    counts.logLossSquares += logLoss ** 2
    counts.brier += brier
    counts.brierSquares += brier ** 2
    if (p >= 0.5 === success) counts.correct++
    if (p <= 0.5) {
      counts.flagged++
      if (!success) counts.caught++
    }
    const place = placeOf(p)
    const bin = this.#bins[which].get(place) ?? [place, 0, 0, 0]
    bin[1]++
    if (success) bin[2]++
    bin[3] += p
    this.#bins[which].set(place, bin)
    return { logLoss, brier }
  }

  #duration({ durationP10, durationP50, durationP90, durationS }: Score): void {
    if (!(durationP50 > 0 && durationS > 0 && durationP10 <= durationP90)) return
    this.#counts.durations++
    if (durationP10 <= durationS && durationS <= durationP90) this.#counts.durationsInside++
    countAt(this.#errors, Math.abs(durationP50 - durationS) / durationS)
    countAt(this.#widths, (durationP90 - durationP10) / durationP50)
  }
}

/** Of several shards, the counts of all. */
export function addCounts(a: ScoreCounts, b: ScoreCounts): ScoreCounts {
  const sums = (Object.keys(a) as (keyof ScoreCounts)[]).flatMap((key) => {
    const [x, y] = [a[key], b[key]]
    return typeof x === 'number' && typeof y === 'number' ? [[key, x + y]] : []
  })
  return {
    ...a,
    ...(Object.fromEntries(sums) as object),
    answer: addPredictors(a.answer, b.answer),
    baseRate: addPredictors(a.baseRate, b.baseRate),
    durationErrors: addBins(a.durationErrors, b.durationErrors),
    durationWidths: addBins(a.durationWidths, b.durationWidths),
  }
}

function addPredictors(a: PredictorCounts, b: PredictorCounts): PredictorCounts {
  return {
    logLoss: a.logLoss + b.logLoss,
    logLossSquares: a.logLossSquares + b.logLossSquares,
    brier: a.brier + b.brier,
    brierSquares: a.brierSquares + b.brierSquares,
    correct: a.correct + b.correct,
    flagged: a.flagged + b.flagged,
    caught: a.caught + b.caught,
    bins: addBins(a.bins, b.bins),
  }
}

function addBins<B extends [number, ...number[]]>(a: readonly B[], b: readonly B[]): B[] {
  const bins = new Map(a.map((bin) => [bin[0], bin]))
  for (const bin of b) {
    const known = bins.get(bin[0])
    bins.set(bin[0], known === undefined ? bin : (known.map((n, i) => (i === 0 ? n : n + (bin[i] ?? 0))) as B))
  }
  return sorted(bins.values())
}

/** The rows of a predictor in the order of their probabilities, as ranked.ts wants them. */
export const groupsOf = ({ bins }: PredictorCounts): readonly Group[] =>
  bins.map(([, rows, successes, sumP]) => ({ count: rows, successes, sumP }))

/** A quantile of errors or widths, within 1 % of itself; null for none. */
export function quantileOf(histogram: Histogram, quantile: number): number | null {
  const rows = histogram.reduce((sum, [, n]) => sum + n, 0)
  let before = 0
  for (const [place, n] of histogram) {
    before += n
    if (before >= quantile * rows) return Math.exp(place / BINS_PER_UNIT)
  }
  return null
}

function placeOf(p: number): number {
  const logit = Math.log(p / (1 - p))
  return Math.round(Math.min(Math.max(logit, -LOGIT_MAX), LOGIT_MAX) * BINS_PER_UNIT)
}

function countAt(histogram: Map<number, number>, ratio: number): void {
  const log = Math.min(Math.max(Math.log(ratio), LOG_RATIO_MIN), LOG_RATIO_MAX)
  const place = Math.round(log * BINS_PER_UNIT)
  histogram.set(place, (histogram.get(place) ?? 0) + 1)
}

const sorted = <B extends [number, ...number[]]>(bins: Iterable<B>): B[] => [...bins].sort((a, b) => a[0] - b[0])
