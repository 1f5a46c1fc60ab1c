/** What is compared in one scope: its conditions as bits, and how many runs meet and fail them by stratum and period. */
import { conditionsOf } from './candidates.ts'
import type { Condition } from './condition.ts'
import { EVERYWHERE } from './condition.ts'
import type { Grid } from './grid.ts'
import { bitsOf } from './grid.ts'
import type { Field } from './row.ts'

/** Runs and failures by cell: of the context, and of those in it that meet the factor. Reused from one comparison to the next. */
export interface Counts {
  readonly strata: number
  readonly periods: number
  readonly runs: Float64Array
  readonly failed: Float64Array
  readonly inside: Float64Array
  readonly insideFailed: Float64Array
}

export interface Tested {
  readonly condition: Condition
  readonly mask: Uint32Array
}

export interface Comparison {
  readonly context: Tested | null
  readonly factor: Tested
  readonly counts: Counts
}

export interface ScopeLimits {
  /** Fewest runs that meet a factor in its context, and that do not. */
  readonly groupMin: number
  /** Over all services: how many must have both groups. */
  readonly servicesMin: number
  /** Share of a condition's variance that periods explain, above which it marks an era and not a kind of run. */
  readonly eraMax: number
}

/** Fewest runs of one service's stratum in either group, to count for servicesMin. */
const STRATUM_MIN = 10

export class Scope {
  readonly name: string
  readonly everyone: Uint32Array
  readonly conditions: readonly Tested[]
  readonly #limits: ScopeLimits
  readonly #failed: Uint32Array
  readonly #cells: Uint32Array
  readonly #counts: Counts

  constructor(grid: Grid, service: string | null, fields: readonly Field[], limits: ScopeLimits) {
    const span = grid.span(service)
    this.name = service ?? EVERYWHERE
    this.#limits = limits
    this.#cells = span.cells.map((word) => word - span.from)
    this.#failed = grid.failed.subarray(span.from, span.to)
    this.everyone = grid.full().subarray(span.from, span.to)
    const cells = span.cells.length - 1
    const zeros = () => new Float64Array(cells)
    this.#counts = {
      strata: span.strata,
      periods: grid.periods,
      runs: zeros(),
      failed: zeros(),
      inside: zeros(),
      insideFailed: zeros(),
    }
    this.#count(this.everyone, null, this.#counts.runs, this.#counts.failed)
    this.conditions = fields.flatMap((field) => {
      const kept: Tested[] = []
      for (const condition of conditionsOf(field, span.rows)) {
        const mask = grid.maskOf(condition).subarray(span.from, span.to)
        // Two conditions of one field that part the runs alike say the same.
        if (this.#isUsable(mask) && !kept.some((other) => isSame(other.mask, mask))) kept.push({ condition, mask })
      }
      return kept
    })
  }

  /** Compares within `context` by every factor of another field. `each` gets counts that hold until it returns. */
  compare(context: Tested | null, each: (comparison: Comparison) => void): void {
    const { runs, failed, inside, insideFailed } = this.#counts
    const area = context?.mask ?? this.everyone
    const all = this.#count(area, null, runs, failed)
    const { groupMin } = this.#limits
    if (all < 2 * groupMin) return
    for (const factor of this.conditions) {
      if (context?.condition.field === factor.condition.field) continue
      const met = this.#count(area, factor.mask, inside, insideFailed)
      if (met < groupMin || all - met < groupMin || !this.#isWidespread()) continue
      each({ context, factor, counts: this.#counts })
    }
  }

  #count(area: Uint32Array, within: Uint32Array | null, runs: Float64Array, failed: Float64Array): number {
    let sum = 0
    for (let cell = 0; cell < runs.length; cell++) {
      let all = 0
      let bad = 0
      const end = this.#cells[cell + 1] as number
      for (let word = this.#cells[cell] as number; word < end; word++) {
        const bits = within === null ? (area[word] as number) : (area[word] as number) & (within[word] as number)
        if (bits === 0) continue
        all += bitsOf(bits)
        bad += bitsOf(bits & (this.#failed[word] as number))
      }
      runs[cell] = all
      failed[cell] = bad
      sum += all
    }
    return sum
  }

  #isWidespread(): boolean {
    const { strata, periods, runs, inside } = this.#counts
    if (strata === 1) return true
    let services = 0
    for (let stratum = 0; stratum < strata; stratum++) {
      let [met, unmet] = [0, 0]
      for (let cell = stratum * periods; cell < (stratum + 1) * periods; cell++) {
        met += inside[cell] as number
        unmet += (runs[cell] as number) - (inside[cell] as number)
      }
      if (met >= STRATUM_MIN && unmet >= STRATUM_MIN) services++
    }
    return services >= Math.min(this.#limits.servicesMin, strata)
  }

  /** Enough runs on both sides, and no mere switch in time: what only tells early runs from late ones will not come again. */
  #isUsable(mask: Uint32Array): boolean {
    const { strata, periods, runs, inside, insideFailed } = this.#counts
    const met = this.#count(this.everyone, mask, inside, insideFailed)
    const all = runs.reduce((sum, value) => sum + value, 0)
    if (met < this.#limits.groupMin || all - met < this.#limits.groupMin) return false
    let [between, total] = [0, 0]
    for (let stratum = 0; stratum < strata; stratum++) {
      const [from, to] = [stratum * periods, (stratum + 1) * periods]
      const n = runs.subarray(from, to).reduce((sum, value) => sum + value, 0)
      const share = inside.subarray(from, to).reduce((sum, value) => sum + value, 0) / n
      total += n * share * (1 - share)
      for (let cell = from; cell < to; cell++) {
        const own = runs[cell] as number
        if (own > 0) between += own * ((inside[cell] as number) / own - share) ** 2
      }
    }
    return total > 0 && between / total <= this.#limits.eraMax
  }
}

const isSame = (a: Uint32Array, b: Uint32Array): boolean => a.every((word, i) => word === b[i])
