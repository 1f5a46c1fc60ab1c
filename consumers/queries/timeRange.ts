/** Times of a query's input; null = open. */
export function msOf(time: string | undefined): number | null {
  return time === undefined ? null : Date.parse(time)
}

export function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}

export function later(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.max(a, b)
}
