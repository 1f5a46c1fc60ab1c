/**
 * How an effect has lasted through the periods, and what may be expected of it in the next ones.
 *
 * The effect of period t is seen as d_t = μ_t + u_t + e_t: the level μ_t wanders little (local level model; Durbin and Koopman 2012, ch. 2),
 * u_t is what a period has of its own (a random effect; DerSimonian and Laird 1986), e_t comes of counting runs. The level starts at a prior
 * whose mean is what the factor does alone and whose variance is what the field's effects were seen to be (empirical Bayes; Efron and Morris
 * 1973), so that the strongest of many chance differences is shrunk to where it belongs.
 */
import type { Counts } from './scope.ts'
import { normalUpper } from './significance.ts'

/** Effects by period, NaN where a group is missing; variances by counting alone. */
export interface PeriodEffects {
  readonly effects: Float64Array
  readonly variances: Float64Array
}

/** Runs worth of the context's own share that smooth a small group's. */
const SMOOTHING = 2
const VARIANCE_MIN = 1e-4

/** Differences of failure shares by period, over strata with Mantel–Haenszel weights. */
export function periodEffects(counts: Counts, into: PeriodEffects): void {
  const { strata, periods, runs, failed, inside, insideFailed } = counts
  const share = shareOf(counts)
  for (let period = 0; period < periods; period++) {
    let [weights, sum, variance] = [0, 0, 0]
    for (let cell = period; cell < strata * periods; cell += periods) {
      const a = inside[cell] as number
      const b = (runs[cell] as number) - a
      if (a === 0 || b === 0) continue
      const aFailed = insideFailed[cell] as number
      const bFailed = (failed[cell] as number) - aFailed
      const near = (aFailed + bFailed + SMOOTHING * share) / (a + b + SMOOTHING)
      const p1 = (aFailed + SMOOTHING * near) / (a + SMOOTHING)
      const p2 = (bFailed + SMOOTHING * near) / (b + SMOOTHING)
      const weight = (a * b) / (a + b)
      weights += weight
      sum += weight * (aFailed / a - bFailed / b)
      variance += weight * weight * ((p1 * (1 - p1)) / a + (p2 * (1 - p2)) / b)
    }
    into.effects[period] = weights === 0 ? NaN : sum / weights
    into.variances[period] = weights === 0 ? NaN : Math.max(variance / (weights * weights), VARIANCE_MIN)
  }
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)
const shareOf = ({ runs, failed }: Counts): number => total(failed) / total(runs)

/** Variance that periods have beyond counting: half the squared differences of periods less their own variances, weighted. */
export class PeriodNoise {
  #sum = 0
  #weights = 0

  add({ effects, variances }: PeriodEffects): void {
    const lags = effects.length / 2
    for (let t = 0; t < effects.length; t++) {
      for (let later = t + 1; later < effects.length && later - t < lags; later++) {
        const own = (variances[t] as number) + (variances[later] as number)
        const square = ((effects[t] as number) - (effects[later] as number)) ** 2
        if (Number.isNaN(square)) continue
        this.#sum += (square - own) / (2 * own)
        this.#weights += 1 / own
      }
    }
  }

  get variance(): number {
    return this.#weights === 0 ? 0 : Math.max(0, this.#sum / this.#weights)
  }
}

/** Product of the effects in the earlier and the later half: its mean is the variance of what both halves share. Null: not both known. */
export function sharedVariance({ effects, variances }: PeriodEffects): number | null {
  const middle = effects.length / 2
  const half = (from: number, to: number) => {
    let [sum, weights] = [0, 0]
    for (let t = from; t < to; t++) {
      if (Number.isNaN(effects[t])) continue
      sum += (effects[t] as number) / (variances[t] as number)
      weights += 1 / (variances[t] as number)
    }
    return sum / weights
  }
  const product = half(0, middle) * half(middle, effects.length)
  return Number.isNaN(product) ? null : product
}

export interface Level {
  readonly mean: number
  readonly variance: number
}

/** Kalman filter of the level, from the first period to the last. `noise`: variance of u_t; `drift`: of a step of the level. */
export function levelOf({ effects, variances }: PeriodEffects, prior: Level, noise: number, drift: number): Level {
  let { mean, variance } = prior
  for (let t = 0; t < effects.length; t++) {
    if (t > 0) variance += drift
    const effect = effects[t] as number
    if (Number.isNaN(effect)) continue
    const gain = variance / (variance + (variances[t] as number) + noise)
    mean += gain * (effect - mean)
    variance *= 1 - gain
  }
  return { mean, variance }
}

export interface Confirmation {
  /** Periods that the later data will have. */
  readonly horizon: number
  readonly effectMin: number
  readonly groupMin: number
  /** Of the level the later test will be held at. */
  readonly z: number
}

/**
 * Probability that the later data will confirm the level: the power of the later test, averaged over what the level may be (assurance;
 * O'Hagan, Stevens and Campbell 2005) and over group sizes as each of the later half of the periods had them. 0 where a group has all
 * but disappeared by the last period.
 */
export function chanceOf(counts: Counts, level: Level, noise: number, drift: number, rule: Confirmation): number {
  const { periods } = counts
  const share = shareOf(counts)
  const spread = level.variance + (drift * rule.horizon) / 2 + noise / rule.horizon
  const scenarios = Math.ceil(periods / 2)
  let sum = 0
  let last = 0
  for (let period = periods - scenarios; period < periods; period++) {
    last = chanceIn(counts, period, share, Math.abs(level.mean), spread, rule)
    sum += last
  }
  const chance = sum / scenarios
  return last < GONE * chance ? 0 : chance
}

const GONE = 0.2
/** Coefficient of variation of a group's later size, beyond counting. */
const SIZE_SPREAD = 0.2

function chanceIn(
  { strata, periods, runs, failed, inside }: Counts,
  period: number,
  share: number,
  effect: number,
  spread: number,
  rule: Confirmation,
): number {
  let [weights, variance, met, unmet] = [0, 0, 0, 0]
  for (let cell = period; cell < strata * periods; cell += periods) {
    const a = (inside[cell] as number) * rule.horizon
    const b = (runs[cell] as number) * rule.horizon - a
    met += a
    unmet += b
    if (a === 0 || b === 0) continue
    const p = ((failed[cell] as number) + SMOOTHING * share) / ((runs[cell] as number) + SMOOTHING)
    const weight = (a * b) / (a + b)
    weights += weight
    variance += weight * p * (1 - p)
  }
  if (weights === 0) return 0
  const null2 = variance / (weights * weights)
  const needed = Math.max(rule.effectMin, rule.z * Math.sqrt(null2))
  const enough = (size: number) => normalUpper((rule.groupMin - size) / Math.sqrt(size + (SIZE_SPREAD * size) ** 2))
  return enough(met) * enough(unmet) * normalUpper((needed - effect) / Math.sqrt(spread + null2))
}
