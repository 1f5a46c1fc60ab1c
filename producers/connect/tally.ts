/** What was sent, for the sentence at the end. */
import type { DeliveriesAnswer } from '../routes/deliveries.ts'
import type { Delivery, Outcome } from './delivery.ts'

const NAMES: Readonly<Record<Outcome['subject'], string>> = { deployment: 'deployment', ci_run: 'CI run' }

export class Tally {
  events = 0
  notOfInterest = 0
  refused = 0
  readonly #ended = new Map<Outcome['subject'], { count: number; failed: number }>()

  add(deliveries: readonly Delivery[], answer: DeliveriesAnswer): void {
    this.events += answer.accepted
    this.refused += answer.refused.length
    this.notOfInterest += Object.values(answer.notOfInterest).reduce((sum, count) => sum + count, 0)
    const refused = new Set(answer.refused.map(({ index }) => index))
    for (const [index, { outcome }] of deliveries.entries()) {
      if (outcome === undefined || refused.has(index)) continue
      const { count, failed } = this.#ended.get(outcome.subject) ?? { count: 0, failed: 0 }
      this.#ended.set(outcome.subject, { count: count + 1, failed: failed + Number(outcome.failed) })
    }
  }

  /** `1200 CI runs (90 failed) and 45 deployments (3 failed)` */
  ended(): string {
    const parts = [...this.#ended].map(
      ([subject, { count, failed }]) => `${count} ${NAMES[subject]}${count === 1 ? '' : 's'} (${failed} failed)`,
    )
    return parts.length === 0 ? 'nothing that ended' : parts.join(' and ')
  }
}
