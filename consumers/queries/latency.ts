/** The last latencies of one kind, for their 99th percentile. */
const KEPT_MAX = 1000

export class Latency {
  readonly #kept: number[] = []
  #next = 0

  add(ms: number): void {
    this.#kept[this.#next] = ms
    this.#next = (this.#next + 1) % KEPT_MAX
  }

  /** Null before anything was measured. */
  p99(): number | null {
    if (this.#kept.length === 0) return null
    const sorted = [...this.#kept].sort((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? null
  }
}
