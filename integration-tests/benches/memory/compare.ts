/** A figure of a peer counts only if the peer did the same: it has the samples that were given, and it answers as we do. */
import { type Served, selectorOf, storedSeries } from './peer.ts'
import { samples } from './promQl.ts'
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

/**
 * Each series, sample by sample: times to the ms, values within the bound. Nothing when all are exact, else the targets with
 * the values that the peer kept.
 */
export async function keptOtherwise(
  who: string,
  served: Served,
  targets: readonly Target[],
): Promise<readonly (readonly Target[])[]> {
  const ends = targets.flatMap((target) => [target.times[0] ?? 0, target.times.at(-1) ?? 0])
  const [first, last] = [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))]
  // Whole seconds: VictoriaMetrics may take the ms before the one that is asked for.
  const at = Math.ceil(last / 1000) * 1000
  let exact = true
  const kept = targets.map(({ times, series }) => ({
    times,
    series: series.map(({ name, values }) => ({ name, values: [...values] })),
  }))
  for (const stored of storedSeries(targets)) {
    const selector = selectorOf(stored)
    const found = await samples(served, selector, at - first + 1000, at)
    if (found.some(([time], place) => time !== stored.times[place]))
      throw new ComparesOtherwise(who, `times of ${selector}`, found.length, stored.times.length)
    const values = found.map(([, value]) => value)
    sameNumbers(who, `samples of ${selector}`, values, stored.values)
    exact &&= values.every((value, place) => value === stored.values[place])
    const cells = kept[stored.target]?.series[stored.series]?.values ?? []
    for (const [place, row] of stored.rows.entries()) cells[row] = values[place] ?? NaN
  }
  return exact ? [] : [kept]
}
