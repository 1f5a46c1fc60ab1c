/** The language of predicates: one condition, or a context and a tested factor. */
import type { PatternRow, Value } from './row.ts'

export type Condition =
  | { readonly field: string; readonly op: '==' | '!='; readonly value: number | string | boolean }
  | { readonly field: string; readonly op: '<' | '<=' | '>' | '>='; readonly value: number }
  | { readonly field: string; readonly op: 'between'; readonly value: readonly [from: number, before: number] }
  | { readonly field: string; readonly op: 'contains'; readonly value: string }

/** The last is the factor; one before it is the context that limits what is compared. */
export type Predicate = readonly [factor: Condition] | readonly [context: Condition, factor: Condition]

export const factorOf = (predicate: Predicate): Condition => predicate.at(-1) as Condition
export const contextOf = (predicate: Predicate): Condition | null => (predicate.length === 2 ? predicate[0] : null)

/** A row whose field is unknown meets no condition. */
export function meets(condition: Condition, row: Pick<PatternRow, 'attributes'>): boolean {
  return holds(condition, row.attributes[condition.field] ?? null)
}

export function holds(condition: Condition, value: Value): boolean {
  if (value === null) return false
  switch (condition.op) {
    case '==':
      return value === condition.value
    case '!=':
      return value !== condition.value
    case 'contains':
      return Array.isArray(value) && value.includes(condition.value)
    case 'between':
      return typeof value === 'number' && condition.value[0] <= value && value < condition.value[1]
    case '<':
      return typeof value === 'number' && value < condition.value
    case '<=':
      return typeof value === 'number' && value <= condition.value
    case '>':
      return typeof value === 'number' && value > condition.value
    case '>=':
      return typeof value === 'number' && value >= condition.value
  }
}

/** The rows of the scope and context, by whether they meet the factor. */
export function compared(
  scope: string,
  predicate: Predicate,
  rows: readonly PatternRow[],
): { readonly inside: readonly PatternRow[]; readonly outside: readonly PatternRow[] } {
  const context = contextOf(predicate)
  const factor = factorOf(predicate)
  const inside: PatternRow[] = []
  const outside: PatternRow[] = []
  for (const row of rows) {
    if (scope !== EVERYWHERE && row.service !== scope) continue
    if (context !== null && !meets(context, row)) continue
    if (meets(factor, row)) inside.push(row)
    else outside.push(row)
  }
  return { inside, outside }
}

/** The scope that holds over all services. */
export const EVERYWHERE = '*'
