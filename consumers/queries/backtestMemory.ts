/** Backtests already made: they look at whole past days, so within an hour a model's on a series stays the same. */

export interface Backtest {
  readonly windows: number
  readonly mase: number | null
  readonly maseSeasonalNaive: number | null
}

const KEPT_MAX = 1_000

export class BacktestMemory {
  /** The one that was asked for longest ago is first. */
  readonly #kept = new Map<string, Backtest>()

  of(series: string, hourMs: number, version: string, make: () => Backtest): Backtest {
    const key = `${version} ${hourMs} ${series}`
    const made = this.#kept.get(key) ?? make()
    this.#kept.delete(key)
    this.#kept.set(key, made)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest)
    return made
  }
}
