/** Conditions in words. */
import type { Condition } from './condition.ts'

export function wordsOf({ field, op, value }: Condition): string {
  if (op === 'between') return `${field} from ${value[0]} to below ${value[1]}`
  return `${field} ${op} ${String(value)}`
}
