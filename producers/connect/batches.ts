/** A batch that the gateway takes in one request. */
const BATCH_CHARS_MAX = 1024 ** 2

/** The items in their order, at most `itemsMax` and about a megabyte of JSON at once; a larger one goes alone. */
export function* inBatches<T>(items: Iterable<T>, itemsMax: number): Generator<readonly T[], void> {
  let batch: T[] = []
  let chars = 0
  for (const item of items) {
    const own = JSON.stringify(item).length
    if (batch.length > 0 && (batch.length >= itemsMax || chars + own > BATCH_CHARS_MAX)) {
      yield batch
      batch = []
      chars = 0
    }
    batch.push(item)
    chars += own
  }
  if (batch.length > 0) yield batch
}
