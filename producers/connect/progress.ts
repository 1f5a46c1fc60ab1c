/** Lines for a person who waits: how much of how much, how fast, how much longer. */
const EVERY_MS = 2_000
const MINUTE_MS = 60_000

export interface Progress {
  /** So many of the total are done. Says so at most every two seconds, and at the end. */
  readonly done: (count: number) => void
}

export function createProgress(what: string, total: number, now: () => number, say: (line: string) => void): Progress {
  const beganAt = now()
  let saidAt = beganAt
  let said = -1
  return {
    done: (count) => {
      const at = now()
      if (count === said || (at - saidAt < EVERY_MS && count < total)) return
      saidAt = at
      said = count
      say(progressLine(what, count, total, at - beganAt))
    },
  }
}

/** `12 of 40 items of acme/shop · 3.0/s · about 10 s left` */
export function progressLine(what: string, count: number, total: number, tookMs: number): string {
  const perSecond = tookMs > 0 ? (count / tookMs) * 1000 : 0
  const rate = perSecond === 0 ? [] : [`${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s`]
  const left = perSecond === 0 || count >= total ? [] : [`about ${lasting(((total - count) / perSecond) * 1000)} left`]
  return [`${count} of ${total} ${what}`, ...rate, ...left].join(' · ')
}

/** `45 s`, `12 min`, `3 h 5 min` */
export function lasting(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.ceil(ms / 1000)} s`
  const minutes = Math.ceil(ms / MINUTE_MS)
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
