/** Ready while some consumer has told lately who owns what. */
import type { Directory } from './queries/directory.ts'
import { Unavailable } from './queries/errors.ts'

const WATCH_MS = 2_000
const LATELY_MS = 10_000

export interface OwnersWatch {
  ready(): { ready: boolean; detail: Record<string, unknown> }
  stop(): void
}

/** Asks in the background, so that a readiness probe waits for nobody. */
export function watchOwners(directory: Directory, now: () => number): OwnersWatch {
  let watching = true
  const look = async (): Promise<void> => {
    try {
      await directory.refresh()
    } catch (error) {
      // Its reason is in the directory's state, which the probe reads.
      if (!(error instanceof Unavailable)) throw error
    }
    if (watching) timer = setTimeout(begin, WATCH_MS).unref()
  }
  const begin = (): void => void look()
  let timer = setTimeout(begin, 0).unref()

  return {
    ready() {
      const { membership, learntAt, reason } = directory.state()
      const lately = learntAt !== null && now() - learntAt < LATELY_MS
      return {
        ready: lately,
        detail: {
          consumers: membership?.owners ?? [],
          unownedShards: membership?.unownedShards ?? [],
          ...(lately ? {} : { reason: reason ?? 'no consumer was asked yet' }),
        },
      }
    },
    stop() {
      watching = false
      clearTimeout(timer)
    },
  }
}
