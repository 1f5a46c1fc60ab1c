/** What a peer is to the bench: it holds the samples of some targets, answers PromQL over HTTP, and tells its bytes. */
import type { Target } from './scrapeFile.ts'

export type PeerName = 'prometheus' | 'victoriaMetrics'

export interface Peer {
  readonly name: PeerName
  /** Null, or why it can't take part. */
  lacking(): string | null
  /** Stores the samples in a folder of its own, serves them while `use` runs, and tells the bytes of the stored samples. */
  hold(targets: readonly Target[], place: Place, use: (served: Served) => Promise<void>): Promise<number>
}

export interface Served {
  readonly url: string
  readonly pid: number
  readonly signal: AbortSignal
}

export interface Place {
  /** Of this peer alone. */
  readonly folder: string
  /** Ends the work, and what was started for it. */
  readonly signal: AbortSignal
}

/** The name of all series; targets and series are told apart by number. */
export const METRIC = 'bench'

/** The samples of one series, without those that are absent. */
export interface Stored {
  readonly target: number
  readonly series: number
  /** Places of the samples among the target's times. */
  readonly rows: readonly number[]
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** Each series that has a sample. */
export function* storedSeries(targets: readonly Target[]): Generator<Stored> {
  for (const [target, { times, series: all }] of targets.entries()) {
    for (const [series, { values }] of all.entries()) {
      const rows = [...values.keys()].filter((row) => !Number.isNaN(values[row]))
      if (rows.length === 0) continue
      const of = (cells: readonly number[]) => rows.map((row) => cells[row] ?? NaN)
      yield { target, series, rows, times: of(times), values: of(values) }
    }
  }
}

export const labelsOf = ({ target, series }: Stored): Readonly<Record<string, string>> => ({
  instance: String(target),
  series: String(series),
})

export const selectorOf = ({ target, series }: Stored): string => `${METRIC}{instance="${target}",series="${series}"}`
