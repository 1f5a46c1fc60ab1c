/** The conditions that are tried of a field: by its deciles, each of a few values, or its frequent texts. */
import type { Condition } from './condition.ts'
import type { Field, PatternRow, Value } from './row.ts'

const QUANTILES = 10
const VALUES_MAX = 8
const TEXTS_MAX = 12
const HOURS = 24
/** Windows of the day and of the week. */
const HOUR_WIDTHS = [4, 8, 12]

export const HOUR_FIELDS: ReadonlySet<string> = new Set(['hour', 'hour_utc'])

export function conditionsOf({ name: field, kind }: Field, rows: readonly PatternRow[]): readonly Condition[] {
  const values = rows.map((row) => row.attributes[field] ?? null)
  switch (kind) {
    case 'flag':
      return [true, false].map((value) => ({ field, op: '==', value }))
    case 'text':
      return frequent(values).flatMap((value): Condition[] => [
        { field, op: '==', value },
        { field, op: '!=', value },
      ])
    case 'texts':
      return frequent(values).map((value) => ({ field, op: 'contains', value }))
    case 'number':
      return [...byThreshold(field, values), ...(HOUR_FIELDS.has(field) ? hourWindows(field) : [])]
  }
}

function byThreshold(field: string, values: readonly Value[]): readonly Condition[] {
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  const cuts = new Set<number>()
  for (let i = 1; i < QUANTILES; i++) {
    const cut = numbers[Math.floor((i * numbers.length) / QUANTILES)]
    if (cut !== undefined) cuts.add(cut)
  }
  const distinct = new Set(numbers)
  const few: readonly number[] = distinct.size <= VALUES_MAX ? [...distinct] : []
  return [
    ...[...cuts].flatMap((value): Condition[] => [
      { field, op: '<=', value },
      { field, op: '>', value },
      { field, op: '<', value },
      { field, op: '>=', value },
    ]),
    ...few.map((value): Condition => ({ field, op: '==', value })),
  ]
}

const hourWindows = (field: string): readonly Condition[] =>
  HOUR_WIDTHS.flatMap((width) =>
    Array.from({ length: HOURS / 2 }, (_, i) => i * 2)
      .filter((from) => from + width <= HOURS)
      .map((from): Condition => ({ field, op: 'between', value: [from, from + width] })),
  )

/** The commonest, each text of a list counting. */
function frequent(values: readonly Value[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const value of values) {
    for (const text of Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : []) {
      counts.set(text, (counts.get(text) ?? 0) + 1)
    }
  }
  const order = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return order.slice(0, TEXTS_MAX).map(([text]) => text)
}
