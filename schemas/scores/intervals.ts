/** 95 % intervals of figures, by formulas: nothing is drawn. */

export interface Interval {
  readonly low: number
  readonly high: number
}

const Z = 1.959964

/** Of a share: Wilson's score interval (1927). Null for no rows. */
export function shareInterval(count: number, rows: number): Interval | null {
  if (rows === 0) return null
  const share = count / rows
  const scale = 1 + Z ** 2 / rows
  const middle = (share + Z ** 2 / (2 * rows)) / scale
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + Z ** 2 / (4 * rows ** 2))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** Of a mean, from the sum and the sum of squares of independent values (normal). Null for fewer than two rows. */
export function meanInterval(sum: number, squares: number, rows: number): Interval | null {
  if (rows < 2) return null
  const mean = sum / rows
  const variance = Math.max(0, squares - rows * mean ** 2) / (rows - 1)
  const half = Z * Math.sqrt(variance / rows)
  return { low: mean - half, high: mean + half }
}

/** Of an area under the ROC curve: Hanley and McNeil (Radiology 143, 1982), equations 1 and 2. */
export function aucInterval(auc: number, failures: number, successes: number): Interval | null {
  if (failures === 0 || successes === 0) return null
  const q1 = auc / (2 - auc)
  const q2 = (2 * auc ** 2) / (1 + auc)
  const spread = auc * (1 - auc) + (failures - 1) * (q1 - auc ** 2) + (successes - 1) * (q2 - auc ** 2)
  const half = Z * Math.sqrt(Math.max(0, spread) / (failures * successes))
  return { low: Math.max(0, auc - half), high: Math.min(1, auc + half) }
}

/**
 * Quantiles between which the median of independent values lies: the number of values below it is binomial with ½, here by
 * its normal approximation (Conover, Practical Nonparametric Statistics, 3.2). Null for so few values that it says nothing.
 */
export function medianQuantiles(rows: number): Interval | null {
  const half = Z / (2 * Math.sqrt(rows))
  return half >= 0.5 ? null : { low: 0.5 - half, high: 0.5 + half }
}
