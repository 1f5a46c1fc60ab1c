import type { Rolling } from './attempt.ts'
import type { RecentStart } from './recent.ts'
import type { OutcomeScope } from './scopes.ts'

/** What was known of the past of an attempt when it began. */
export interface Past {
  readonly outcomes: Readonly<Record<OutcomeScope, Rolling>>
  /** Of the starts; one that ended without an outcome stands there once more, as failed. */
  readonly starts: Readonly<Record<OutcomeScope, Rolling>>
  readonly size: Rolling
  readonly recent: readonly RecentStart[]
  readonly timings: Timings
}

/** What the newest outcomes of the workflow taught about durations (timing.ts), and who among them is kin of the attempt. */
export interface Timings {
  readonly rows: number
  /** TIMING_WIDTH of each row, newest first. */
  readonly numbers: Float64Array
  /** Digests of the attempt's keys, as they stand in rows. */
  readonly lane: number
  readonly kinds: number
}
