/** Keeps free pages in reserve between other work, so that an event seldom has to make room itself: docs/eviction.md. */

/** Between two looks when every region has its reserve. */
const IDLE_MS = 20
/** Between two slices while there is more to do: half of the event loop stays with the events. */
const BUSY_MS = 1
const SLICE_MS = 0.5

export interface CleanUpOptions {
  /** Cleans for about so long; true when there is more to do. */
  readonly clean: (budgetMs: number) => boolean
  readonly onFailure: (cause: Error) => void
}

/** Returns what stops it. */
export function startCleanUp({ clean, onFailure }: CleanUpOptions): () => void {
  let timer: NodeJS.Timeout
  const slice = (): void => {
    try {
      timer = setTimeout(slice, clean(SLICE_MS) ? BUSY_MS : IDLE_MS)
    } catch (error) {
      onFailure(error as Error)
    }
  }
  timer = setTimeout(slice, IDLE_MS)
  return () => {
    clearTimeout(timer)
  }
}
