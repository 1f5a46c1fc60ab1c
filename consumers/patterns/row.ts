/** One finished deployment or CI run as patterns are mined from it. */

/** `readonly string[]`: several texts at once, such as the endings of the touched files. */
export type Value = number | string | boolean | readonly string[] | null

export interface PatternRow {
  readonly service: string
  /** ms on a clock that the runs of one service share. */
  readonly startedAt: number
  /** When the outcome became known. */
  readonly finishedAt: number
  readonly failed: boolean
  /** What was known at the start, by field name; null or absent where unknown. */
  readonly attributes: Readonly<Record<string, Value>>
}

export type FieldKind = 'number' | 'text' | 'flag' | 'texts'

export interface Field {
  readonly name: string
  readonly kind: FieldKind
}
