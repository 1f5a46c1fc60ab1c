/**
 * Rows as bits: services one after another, each cut into periods of equally many runs in the order of time, each of these a whole
 * number of words. So a scope is a range of words, and any count by period is a count of bits.
 */
import type { Condition } from './condition.ts'
import { holds } from './condition.ts'
import type { PatternRow } from './row.ts'

export interface Span {
  readonly strata: number
  readonly rows: readonly PatternRow[]
  /** Words before `from` and from `to` on are of other services. */
  readonly from: number
  readonly to: number
  /** Where each cell (stratum × periods + period) begins, in words; one more entry: the end. */
  readonly cells: Uint32Array
}

export class Grid {
  readonly periods: number
  readonly services: readonly string[]
  readonly #rows: readonly PatternRow[]
  readonly #places: Uint32Array
  readonly #cells: Uint32Array
  readonly failed: Uint32Array

  /** `rows` in the order of their starts within each service. */
  constructor(rows: readonly PatternRow[], periods: number) {
    const byService = new Map<string, PatternRow[]>()
    for (const row of rows) {
      const own = byService.get(row.service)
      if (own === undefined) byService.set(row.service, [row])
      else own.push(row)
    }
    this.periods = periods
    this.services = [...byService.keys()].sort()
    const ordered: PatternRow[] = []
    const places: number[] = []
    const cells: number[] = []
    let word = 0
    for (const service of this.services) {
      const own = byService.get(service) ?? []
      for (let period = 0; period < periods; period++) {
        cells.push(word)
        const [from, to] = [edge(own.length, period, periods), edge(own.length, period + 1, periods)]
        for (let i = from; i < to; i++) {
          ordered.push(own[i] as PatternRow)
          places.push(word * 32 + i - from)
        }
        word += Math.ceil((to - from) / 32)
      }
    }
    cells.push(word)
    this.#rows = ordered
    this.#places = Uint32Array.from(places)
    this.#cells = Uint32Array.from(cells)
    this.failed = this.#mask((row) => row.failed)
  }

  /** All services, or one. */
  span(service: string | null): Span {
    const strata = service === null ? this.services.length : 1
    const first = service === null ? 0 : this.services.indexOf(service)
    if (first < 0) throw new RangeError(`no rows of ${String(service)}`)
    const cells = this.#cells.subarray(first * this.periods, (first + strata) * this.periods + 1)
    const rows = service === null ? this.#rows : this.#rows.filter((row) => row.service === service)
    return { strata, rows, cells, from: cells[0] as number, to: cells.at(-1) as number }
  }

  maskOf(condition: Condition): Uint32Array {
    return this.#mask((row) => holds(condition, row.attributes[condition.field] ?? null))
  }

  /** Every row. */
  full(): Uint32Array {
    return this.#mask(() => true)
  }

  #mask(isIn: (row: PatternRow) => boolean): Uint32Array {
    const mask = new Uint32Array(this.#cells.at(-1) as number)
    this.#rows.forEach((row, i) => {
      const place = this.#places[i] as number
      if (isIn(row)) mask[place >>> 5] = (mask[place >>> 5] as number) | (1 << (place & 31))
    })
    return mask
  }
}

const edge = (rows: number, period: number, periods: number): number => Math.floor((rows * period) / periods)

/** Bits set in a word (Warren, Hacker's Delight, 5-1). */
export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
