/** What is left out of one step of learning, so that nothing is learnt that hangs on a single input or unit (N. Srivastava et al., Dropout, 2014). */
import type { Random } from './random.ts'

/** Each is left out with this chance; the others count for more, so that the sum stays as it is when nothing is left out. */
export interface Dropout {
  readonly inputs: number
  readonly hidden: number
}

/** Copies `from` into `out` with a part left out. Zeros need no draw. */
export function dropped(from: Float32Array, share: number, random: Random, out: Float32Array): void {
  const worth = 1 / (1 - share)
  for (let i = 0; i < from.length; i++) {
    const value = from[i] ?? 0
    out[i] = value !== 0 && random() >= share ? value * worth : 0
  }
}

/** Factors of so many units: 0 for one that is left out. */
export function unitMask(units: number, share: number, random: Random): Float32Array {
  const worth = 1 / (1 - share)
  const mask = new Float32Array(units)
  for (let i = 0; i < units; i++) if (random() >= share) mask[i] = worth
  return mask
}
