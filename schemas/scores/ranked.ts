/**
 * Figures of predictions in the order of their probabilities. Rows of one probability, or of about one, stand as a group:
 * where a group is cut, each part has its share, so that no figure depends on the order of rows.
 */

/** Rows of one probability of success; given in ascending order, the riskiest first. */
export interface Group {
  readonly count: number
  readonly successes: number
  /** Sum of the probabilities of its rows. */
  readonly sumP: number
}

/**
 * Share of (failed, succeeded) pairs ranked the right way round, ties half (Mann and Whitney's U over the number of pairs); null where one
 * kind is missing.
 */
export function aucOf(groups: readonly Group[]): number | null {
  let [right, failures, successes] = [0, 0, 0]
  for (const group of groups) {
    const failed = group.count - group.successes
    right += group.successes * (failures + failed / 2)
    failures += failed
    successes += group.successes
  }
  return failures === 0 || successes === 0 ? null : right / (failures * successes)
}

/** Half of the share of pairs within one group: by so much rows that differ within groups may move the AUC at most. */
export function aucErrorMax(groups: readonly Group[]): number {
  const successes = groups.reduce((sum, group) => sum + group.successes, 0)
  const failures = groups.reduce((sum, group) => sum + group.count, 0) - successes
  const within = groups.reduce((sum, group) => sum + group.successes * (group.count - group.successes), 0)
  return within === 0 ? 0 : within / (2 * failures * successes)
}

/** Of the riskiest `share` of all rows: how many these are, and how many of them failed. */
export function riskiest(
  groups: readonly Group[],
  share: number,
): { readonly flagged: number; readonly caught: number } {
  const flagged = share * groups.reduce((sum, { count }) => sum + count, 0)
  let [rest, caught] = [flagged, 0]
  for (const { count, successes } of groups) {
    const taken = Math.min(count, rest)
    if (taken <= 0) break
    caught += ((count - successes) * taken) / count
    rest -= taken
  }
  return { flagged, caught }
}

/** `parts` groups of equal count, in order; fewer than `parts` rows give empty ones, which are left out. */
export function equalParts(groups: readonly Group[], parts: number): readonly Group[] {
  const rows = groups.reduce((sum, { count }) => sum + count, 0)
  const found: Group[] = []
  let at = 0
  let taken = 0
  for (let part = 1; part <= parts; part++) {
    let wanted = Math.floor((part * rows) / parts) - Math.floor(((part - 1) * rows) / parts)
    let [count, successes, sumP] = [0, 0, 0]
    for (let group = groups[at]; group !== undefined && wanted > 0; group = groups[at]) {
      const cut = Math.min(group.count - taken, wanted)
      count += cut
      successes += (group.successes * cut) / group.count
      sumP += (group.sumP * cut) / group.count
      wanted -= cut
      taken += cut
      if (taken === group.count) {
        at++
        taken = 0
      }
    }
    if (count > 0) found.push({ count, successes, sumP })
  }
  return found
}

/** Expected calibration error over these groups: the mean distance of probability and share of successes. */
export function calibrationError(groups: readonly Group[]): number {
  const rows = groups.reduce((sum, { count }) => sum + count, 0)
  const distance = groups.reduce((sum, { successes, sumP }) => sum + Math.abs(sumP - successes), 0)
  return rows === 0 ? 0 : distance / rows
}

/**
 * What a predictor whose probabilities are right would show as calibration error by chance: the mean of |N(0, p(1 − p)/n)|
 * over the groups, weighted by their counts.
 */
export function calibrationNoise(groups: readonly Group[]): number {
  const rows = groups.reduce((sum, { count }) => sum + count, 0)
  const noise = groups.reduce((sum, { count, sumP }) => {
    const p = sumP / count
    return sum + count * Math.sqrt((2 / Math.PI) * ((p * (1 - p)) / count))
  }, 0)
  return rows === 0 ? 0 : noise / rows
}
