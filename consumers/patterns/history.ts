/**
 * What the past of a service says at the start of each of its runs. Only outcomes that were known then count: a run that had not
 * ended yet is no past, however early it began.
 */
import type { Field, PatternRow, Value } from './row.ts'

export const HISTORY_FIELDS: readonly Field[] = [
  { name: 'prev_failed', kind: 'number' },
  { name: 'prev2_failed', kind: 'number' },
  { name: 'fail_rate_20', kind: 'number' },
  { name: 'branch_prev_failed', kind: 'number' },
  { name: 'actor_prev_failed', kind: 'number' },
]

const RATE_RUNS = 20
const RATE_RUNS_MIN = 5

/** `rows` in the order of their starts within each service. Adds the history fields and gap_s, seconds since the start before. */
export function withHistory(rows: readonly PatternRow[]): readonly PatternRow[] {
  const services = new Map<string, ServicePast>()
  return rows.map((row) => {
    let past = services.get(row.service)
    past ??= new ServicePast()
    services.set(row.service, past)
    return { ...row, attributes: { ...row.attributes, ...past.at(row) } }
  })
}

class ServicePast {
  /** By their ends, last first; in the order of starts where these are equal. */
  readonly #open: PatternRow[] = []
  #known: number[] = []
  readonly #lastOf = new Map<string, number>()
  #startedAt: number | null = null

  /** The past at the start of `row`, which then joins the runs under way. */
  at(row: PatternRow): Record<string, Value> {
    for (
      let next = this.#open.at(-1);
      next !== undefined && next.finishedAt <= row.startedAt;
      next = this.#open.at(-1)
    ) {
      this.#open.pop()
      this.#learn(next)
    }
    const [last, before] = [this.#known.at(-1), this.#known.at(-2)]
    const rate = this.#known.length < RATE_RUNS_MIN ? null : sum(this.#known) / this.#known.length
    const seen = {
      gap_s: this.#startedAt === null ? null : (row.startedAt - this.#startedAt) / 1000,
      prev_failed: last ?? null,
      prev2_failed: last === undefined || before === undefined ? null : last * before,
      fail_rate_20: rate,
      branch_prev_failed: this.#last(row, 'branch'),
      actor_prev_failed: this.#last(row, 'actor'),
    }
    this.#startedAt = row.startedAt
    let at = this.#open.length
    while (at > 0 && (this.#open[at - 1] as PatternRow).finishedAt <= row.finishedAt) at--
    this.#open.splice(at, 0, row)
    return seen
  }

  #learn(row: PatternRow): void {
    const failed = row.failed ? 1 : 0
    this.#known = [...this.#known.slice(1 - RATE_RUNS), failed]
    for (const field of ['branch', 'actor']) {
      const name = row.attributes[field]
      if (typeof name === 'string') this.#lastOf.set(`${field} ${name}`, failed)
    }
  }

  #last(row: PatternRow, field: 'branch' | 'actor'): number | null {
    const name = row.attributes[field]
    return typeof name === 'string' ? (this.#lastOf.get(`${field} ${name}`) ?? null) : null
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
