/** The scored rows of one model, the latest in time, each prediction once. */
import { FEATURE_SET } from '../models/features.ts'
import type { ScoredRow } from './scoredRow.ts'

export interface Rows {
  /** False for a row that is known already. */
  add(row: ScoredRow): boolean
  /** Rows that the present feature set can learn from, oldest outcome first. */
  toLearn(): readonly ScoredRow[]
  /** The last `count` that were not backfilled, oldest outcome first. */
  live(count: number): readonly ScoredRow[]
  /** Rows ever added. */
  readonly added: number
  /** Rows at hand. */
  readonly liveCount: number
  readonly backfilledCount: number
}

export function createRows(rowsMax: number): Rows {
  const byId = new Map<string, ScoredRow>()
  let added = 0
  const ordered = () =>
    [...byId.values()].sort((a, b) => a.outcomeAt - b.outcomeAt || (a.predictionId < b.predictionId ? -1 : 1))
  const count = (backfilled: boolean) => [...byId.values()].filter((row) => row.backfilled === backfilled).length
  return {
    add: (row) => {
      if (byId.has(row.predictionId)) return false
      byId.set(row.predictionId, row)
      added++
      // A tenth over the limit, so that the oldest are looked for once in a while and not for each row.
      if (byId.size > rowsMax * 1.1) {
        for (const old of ordered().slice(0, byId.size - rowsMax)) byId.delete(old.predictionId)
      }
      return true
    },
    toLearn: () =>
      ordered()
        .filter((row) => row.featureSet === FEATURE_SET)
        .slice(-rowsMax),
    live: (countMax) =>
      ordered()
        .filter((row) => !row.backfilled)
        .slice(-countMax),
    get added() {
      return added
    },
    get liveCount() {
      return count(false)
    },
    get backfilledCount() {
      return count(true)
    },
  }
}
