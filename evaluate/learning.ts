/**
 * Learning while the replay runs: the trainer's function on the scored rows so far, published to the shelf as its records would be. From new
 * weights at first and once the rows have doubled; in between it goes on from the weights at hand.
 */
import type { Shelf } from '../consumers/models/shelf.ts'
import { TRAINING, trainClassifier } from '../consumers/models/train.ts'
import type { TrainingRow } from '../consumers/models/train.ts'
import { deserialise, digestOf, serialise } from '../consumers/models/weights.ts'

/** Released outcomes between two lessons. */
const REFINE_ROWS = 200

export interface Learning {
  /** Learns from all rows if enough new ones came since the last time; gives the seconds it took, null when nothing was due. */
  advance(rows: readonly TrainingRow[]): Promise<number | null>
  /** Weights at hand; null before the first lesson. */
  weights(): Buffer | null
}

export function createLearning(shelf: Shelf, seed: number, minSamples: number): Learning {
  let weights: Buffer | null = null
  let rowsLearnt = 0
  let rowsFresh = 0
  return {
    weights: () => weights,
    advance: async (rows) => {
      if (rows.length < minSamples || (weights !== null && rows.length - rowsLearnt < REFINE_ROWS)) return null
      const begin = performance.now()
      const fresh = weights === null || rows.length >= 2 * rowsFresh
      const start = weights === null || fresh ? null : deserialise(weights)
      weights = serialise(trainClassifier(rows, { ...TRAINING, seed }, start))
      if (fresh) rowsFresh = rows.length
      rowsLearnt = rows.length
      await putOnShelf(shelf, weights)
      return (performance.now() - begin) / 1000
    },
  }
}

/** As champion of CI runs. */
export async function putOnShelf(shelf: Shelf, weights: Buffer): Promise<void> {
  const shared = { model: 'ci_run', sha256: digestOf(weights), card: '{}', at: 0 }
  await shelf.accept({ ...shared, kind: 'weights', weights, stage: null })
  await shelf.accept({ ...shared, kind: 'stage', weights: null, stage: 'champion' })
}
