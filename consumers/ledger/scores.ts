/** Scores of probabilities against what happened. All pure; the probability is that of success. */
export interface Scored {
  readonly p: number
  readonly success: boolean
}

export interface Scores {
  readonly rows: number
  /** Mean negative log likelihood, natural logarithm. */
  readonly logLoss: number
  readonly brier: number
  /** Share of rows where the likelier outcome came. */
  readonly accuracy: number
  /** Share of (failed, succeeded) pairs ranked the right way round, ties half; null where one kind is missing. */
  readonly auc: number | null
  /** Expected calibration error over ten groups of equal count. */
  readonly ece: number
}

const P_MIN = 1e-6
const GROUPS = 10

export function logLossOf(p: number, success: boolean): number {
  const clipped = Math.min(Math.max(p, P_MIN), 1 - P_MIN)
  return -Math.log(success ? clipped : 1 - clipped)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Null for no rows. */
export function scoresOf(rows: readonly Scored[]): Scores | null {
  if (rows.length === 0) return null
  const ordered = rows.toSorted((a, b) => a.p - b.p)
  return {
    rows: rows.length,
    logLoss: mean(rows.map(({ p, success }) => logLossOf(p, success))),
    brier: mean(rows.map(({ p, success }) => (p - (success ? 1 : 0)) ** 2)),
    accuracy: mean(rows.map(({ p, success }) => (p >= 0.5 === success ? 1 : 0))),
    auc: auc(ordered),
    ece: calibrationError(ordered),
  }
}

/** Mann and Whitney's U over the number of pairs; `ordered` by p. */
function auc(ordered: readonly Scored[]): number | null {
  const good = ordered.filter(({ success }) => success).length
  const bad = ordered.length - good
  if (good === 0 || bad === 0) return null
  let ranks = 0
  let from = 0
  while (from < ordered.length) {
    let to = from
    let goodHere = 0
    while (to < ordered.length && ordered[to]?.p === ordered[from]?.p) {
      if (ordered[to]?.success === true) goodHere++
      to++
    }
    ranks += goodHere * ((from + 1 + to) / 2)
    from = to
  }
  return (ranks - (good * (good + 1)) / 2) / (good * bad)
}

function calibrationError(ordered: readonly Scored[]): number {
  const shares = tiedShares(ordered)
  let error = 0
  for (let group = 0; group < GROUPS; group++) {
    const from = Math.floor((group * ordered.length) / GROUPS)
    const to = Math.floor(((group + 1) * ordered.length) / GROUPS)
    let difference = 0
    for (let i = from; i < to; i++) difference += (ordered[i]?.p ?? 0) - (shares[i] ?? 0)
    error += Math.abs(difference)
  }
  return error / ordered.length
}

/** For each row the share of successes among the rows of its probability: where a tie is cut, neither part may depend on the order of rows. */
function tiedShares(ordered: readonly Scored[]): Float64Array {
  const shares = new Float64Array(ordered.length)
  for (let from = 0, to = 0; from < ordered.length; from = to) {
    let good = 0
    while (to < ordered.length && ordered[to]?.p === ordered[from]?.p) {
      if (ordered[to]?.success === true) good++
      to++
    }
    shares.fill(good / (to - from), from, to)
  }
  return shares
}

export interface PairedDifference {
  readonly rows: number
  /** Mean of a's log loss minus b's: negative where a is better. */
  readonly mean: number
  /** Standard error of that mean; Infinity for fewer than two rows. */
  readonly standardError: number
}

/** Two predictors on the same outcomes. */
export function compareLogLoss(
  rows: readonly { readonly a: number; readonly b: number; readonly success: boolean }[],
): PairedDifference {
  const differences = rows.map(({ a, b, success }) => logLossOf(a, success) - logLossOf(b, success))
  const average = differences.length === 0 ? 0 : mean(differences)
  const squares = differences.reduce((sum, value) => sum + (value - average) ** 2, 0)
  const n = differences.length
  return { rows: n, mean: average, standardError: n < 2 ? Infinity : Math.sqrt(squares / (n - 1) / n) }
}
