/** Merges what several items tell into one order of time, while they are still being read. */
import type { Delivery, Item } from './delivery.ts'

export interface Merged {
  /** In the order in which they happened; none of what comes later happened before them. */
  readonly deliveries: readonly Delivery[]
  /** Items read so far. */
  readonly items: number
}

/**
 * An item tells nothing that happened before its start, so that what happened before the start of the next one can go.
 * `atOnce`: items being read at a time. `failed` may swallow what reading an item threw.
 */
export async function* inEventOrder(
  items: readonly Item[],
  atOnce: number,
  failed: (item: Item, error: unknown) => void,
): AsyncGenerator<Merged, void> {
  const sorted = items.toSorted((a, b) => a.startedAt - b.startedAt)
  const reading: Promise<readonly Delivery[] | { readonly error: unknown }>[] = []
  const read = (item: Item | undefined): void => {
    // Settled to a value: a failure is heard of in its turn, and not as an unhandled rejection.
    if (item !== undefined) reading.push(item.deliveries().catch((error: unknown) => ({ error })))
  }
  sorted.slice(0, atOnce).forEach(read)
  let waiting: Delivery[] = []
  for (const [index, item] of sorted.entries()) {
    const told = (await reading[index]) ?? []
    // What was read is not needed again.
    reading[index] = Promise.resolve([])
    read(sorted[index + atOnce])
    if ('error' in told) failed(item, told.error)
    else waiting.push(...told.map((delivery) => ({ ...delivery, at: placeOf(delivery, item) })))
    waiting.sort((a, b) => a.at - b.at || a.rank - b.rank)
    const nextAt = sorted[index + 1]?.startedAt ?? Infinity
    const end = waiting.findIndex(({ at }) => at >= nextAt)
    const ready = end < 0 ? waiting : waiting.slice(0, end)
    waiting = end < 0 ? [] : waiting.slice(end)
    yield { deliveries: ready, items: index + 1 }
  }
}

/** Within the life of its item: a clock that jumped puts nothing before what was sent, or after what counts as done. */
const placeOf = ({ at }: Delivery, { startedAt, changedAt }: Item): number =>
  Math.max(Math.min(at, changedAt), startedAt)
