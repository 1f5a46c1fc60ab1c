/** Whose snapshot is next: every live shard once a round, in the order of their numbers. */
export function nextInTurn(last: number, live: readonly number[]): number | null {
  const ordered = live.toSorted((a, b) => a - b)
  return ordered.find((shard) => shard > last) ?? ordered[0] ?? null
}
