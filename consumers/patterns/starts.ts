/** What is known of when to start a run of a service. */
import { EVERYWHERE, contextOf, factorOf, meets } from './condition.ts'
import type { Condition } from './condition.ts'
import type { SubjectPatterns } from './patternSet.ts'
import { isIn } from './windows.ts'
import type { LocalStart } from './windows.ts'

const TIME_FIELDS: ReadonlySet<string> = new Set(['hour', 'weekday'])

/**
 * Whether a start is in one of the service's best windows, where it has any, and on no side of which later runs confirmed that it fails
 * more. Only patterns of nothing but times are asked.
 */
export function isQuietStart({ patterns, windows }: SubjectPatterns, service: string, start: LocalStart): boolean {
  const own = windows[service]
  if (own !== undefined && !own.some((window) => isIn(window, start))) return false
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
