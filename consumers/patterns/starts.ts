/** What confirmed patterns say of when to start. */
import { EVERYWHERE, contextOf, factorOf, meets } from './condition.ts'
import type { Condition } from './condition.ts'
import type { Pattern } from './lifecycle.ts'

export interface LocalStart {
  /** 0 ≤ hour < 24 */
  readonly hour: number
  /** 0 = Monday */
  readonly weekday: number
}

const TIME_FIELDS: ReadonlySet<string> = new Set(['hour', 'weekday'])

/** Whether a start is on no side of which later runs confirmed that it fails more. Only patterns of nothing but times are asked. */
export function isQuietStart(patterns: readonly Pattern[], service: string, start: LocalStart): boolean {
  const attributes = { hour: Math.floor(start.hour), weekday: start.weekday }
  const isMet = (condition: Condition) => meets(condition, { attributes })
  return patterns
    .filter(({ status, scope, predicate }) => {
      const isOfService = scope === service || scope === EVERYWHERE
      return status === 'confirmed' && isOfService && predicate.every(({ field }) => TIME_FIELDS.has(field))
    })
    .every(({ predicate, found }) => {
      const context = contextOf(predicate)
      if (context !== null && !isMet(context)) return true
      return isMet(factorOf(predicate)) === found.effect < 0
    })
}
