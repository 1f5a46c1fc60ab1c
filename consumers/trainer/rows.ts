/** The scored rows of one model, the latest in time, each prediction once. */
import { FEATURE_SET } from '../models/features.ts'
import type { ScoredRow } from './scoredRow.ts'

export interface Rows {
  /** False for a row that is known already. */
  add(row: ScoredRow): boolean
  /** Rows that the present feature set can learn from, oldest outcome first. */
  toLearn(): readonly ScoredRow[]
  readonly learnableCount: number
  /** The last `count` that were not backfilled, oldest outcome first. */
  live(count: number): readonly ScoredRow[]
  /** Rows ever added. */
  readonly added: number
  /** Rows at hand. */
  readonly liveCount: number
  readonly backfilledCount: number
}

const isBefore = (a: ScoredRow, b: ScoredRow): boolean =>
  a.outcomeAt < b.outcomeAt || (a.outcomeAt === b.outcomeAt && a.predictionId < b.predictionId)

const isLearnable = (row: ScoredRow): boolean => row.featureSet === FEATURE_SET

export function createRows(rowsMax: number): Rows {
  const known = new Set<string>()
  const ordered: ScoredRow[] = []
  let added = 0
  let liveCount = 0
  let learnableCount = 0

  const forget = (rows: readonly ScoredRow[]) => {
    for (const row of rows) {
      known.delete(row.predictionId)
      if (!row.backfilled) liveCount--
      if (isLearnable(row)) learnableCount--
    }
  }
  return {
    add: (row) => {
      if (known.has(row.predictionId)) return false
      known.add(row.predictionId)
      // Nearly always the latest one: looked for from the end.
      let at = ordered.length
      for (let before = ordered[at - 1]; before !== undefined && isBefore(row, before); before = ordered[at - 1]) at--
      ordered.splice(at, 0, row)
      added++
      if (!row.backfilled) liveCount++
      if (isLearnable(row)) learnableCount++
      // A tenth over the limit, so that the oldest go once in a while and not with each row.
      if (ordered.length > rowsMax * 1.1) forget(ordered.splice(0, ordered.length - rowsMax))
      return true
    },
    toLearn: () => ordered.filter(isLearnable).slice(-rowsMax),
    live: (countMax) => {
      const found: ScoredRow[] = []
      for (let i = ordered.length - 1; i >= 0 && found.length < countMax; i--) {
        const row = ordered[i]
        if (row !== undefined && !row.backfilled) found.push(row)
      }
      return found.reverse()
    },
    get learnableCount() {
      return learnableCount
    },
    get added() {
      return added
    },
    get liveCount() {
      return liveCount
    },
    get backfilledCount() {
      return ordered.length - liveCount
    },
  }
}
