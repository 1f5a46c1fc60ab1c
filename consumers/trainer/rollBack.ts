/** An operator takes an answering version back: what follows from what holds the slots. */
import { BASE_RATE_VERSION } from '../models/predict.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { NothingToRollBackTo } from './slots.ts'
import type { Slots } from './slots.ts'

export interface RolledBack {
  /** Who answered before, and who answers now: a version, or `base-rate`. */
  readonly from: string
  readonly to: string
  /** False: it was so already. */
  readonly changed: boolean
  readonly records: readonly ModelOutgoing[]
}

/**
 * `to`: null for the version before; a version that is kept (a start of it is enough), or `base-rate`. What was rolled back already stays
 * so: a second call changes nothing, and only `to` brings that version back. Throws NothingToRollBackTo.
 */
export function rollBack(slots: Slots, to: string | null, now: number): RolledBack {
  const from = slots.answering
  const unchanged = { from, to: from, changed: false, records: [] }
  const champion = slots.at('champion')
  const previous = slots.at('previous')
  if (to === BASE_RATE_VERSION) {
    if (champion === null) return unchanged
    return { ...unchanged, to, changed: true, records: slots.vacate(champion, 'rolled_back', 'by an operator', now) }
  }
  if (to === null) {
    if (previous === null) throw new NothingToRollBackTo(`${from} answers, and no version before it is kept`)
    if (previous.cause === 'rolled_back') return unchanged
  } else {
    if (champion?.version.startsWith(to) === true) return unchanged
    if (previous?.version.startsWith(to) !== true) {
      const kept = previous === null ? 'no version before is kept' : `the version before is ${previous.version}`
      throw new NothingToRollBackTo(`${to} is not kept; ${kept}`)
    }
  }
  const records = slots.fallBack('rolled_back', 'by an operator', now)
  return { from, to: slots.answering, changed: true, records }
}
