/** One line of a kind, not one for each time that it happens: the counters tell how often. */
const SAME_LOG_MS = 10_000

export type Rarely = (kind: string, act: () => void) => void

/** `kind` must come from a closed set. */
export function createRarely(now: () => number): Rarely {
  const last = new Map<string, number>()
  return (kind, act) => {
    if (now() - (last.get(kind) ?? -Infinity) < SAME_LOG_MS) return
    last.set(kind, now())
    act()
  }
}
