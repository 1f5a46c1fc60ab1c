/** A figure of a peer counts only if the peer did the same: it has the samples that were given, and it answers as we do. */
import { METRIC, type Served, type Stored, selectorOf, storedSeries } from './peer.ts'
import { instant, samples } from './promQl.ts'
import type { Target } from './scrapeFile.ts'

const RELATIVE_MAX = 1e-9

export class ComparesOtherwise extends Error {
  constructor(who: string, what: string, theirs: unknown, expected: unknown) {
    super(`${who} did other work: ${what} is ${JSON.stringify(theirs)}, expected ${JSON.stringify(expected)}`)
    this.name = 'ComparesOtherwise'
  }
}

export function sameNumbers(who: string, what: string, theirs: readonly number[], expected: readonly number[]): void {
  if (theirs.length !== expected.length)
    throw new ComparesOtherwise(who, `the count of ${what}`, theirs.length, expected.length)
  for (const [place, value] of expected.entries()) {
    const found = theirs[place] ?? NaN
    const bound = RELATIVE_MAX * Math.max(Math.abs(found), Math.abs(value))
    if (!(Math.abs(found - value) <= bound)) throw new ComparesOtherwise(who, `${what} ${place}`, found, value)
  }
}

/** Count and sum of each series, and the first one sample by sample. */
export async function sameSamples(who: string, served: Served, targets: readonly Target[]): Promise<void> {
  const ends = targets.flatMap((target) => [target.times[0] ?? 0, target.times.at(-1) ?? 0])
  const [first, last] = [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))]
  // Whole seconds: VictoriaMetrics may take the ms before the one that is asked for.
  const at = Math.ceil(last / 1000) * 1000
  const rangeMs = at - first + 1000
  const counts = await instant(served, `count_over_time(${METRIC}[${rangeMs}ms])`, at)
  const sums = await instant(served, `sum_over_time(${METRIC}[${rangeMs}ms])`, at)
  const expected = [...storedSeries(targets)]
  const of = (found: ReadonlyMap<string, number>) => expected.map((stored) => found.get(keyOf(stored)) ?? NaN)
  const [one] = expected
  if (one === undefined) throw new Error('a set has no samples')
  sameNumbers(who, 'count of series', [counts.size], [expected.length])
  const lengths = expected.map(({ values }) => values.length)
  sameNumbers(who, 'count of samples of series', of(counts), lengths)
  const totals = expected.map(({ values }) => sum(values))
  sameNumbers(who, 'sum of series', of(sums), totals)
  const given = one.times.flatMap((time, row) => [time, one.values[row] ?? NaN])
  const stored = await samples(served, selectorOf(one), rangeMs, at)
  sameNumbers(who, 'times and values of the first series', stored.flat(), given)
}

const keyOf = ({ labels: { instance, series } }: Stored): string => `${instance}/${series}`

/** Compensated, as the peers' may be: a plain sum of thousands of large values is off by more than the bound. */
function sum(values: readonly number[]): number {
  let [total, lost] = [0, 0]
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}
