/** The window that a question about scores names, [from, to), ms. */
export interface ScoreWindow {
  readonly from: number
  readonly to: number
}

const DAY_MS = 86_400_000

/** The last `days` up to `to` where no `from` is given. */
export function scoreWindow(
  { from, to, days }: { readonly from?: string | undefined; readonly to?: string | undefined; readonly days: number },
  now: number,
): ScoreWindow {
  const until = to === undefined ? now : Date.parse(to)
  return { from: from === undefined ? until - days * DAY_MS : Date.parse(from), to: until }
}
