import { addon, type EngineBox, type ReadingBox } from './addon.ts'
import { named, namedError } from './errors.ts'
import type { RangesRead } from './records.ts'

interface Slice {
  /** Position of a series among those asked for, and how many points it has. */
  readonly counts: readonly (readonly [number, number])[]
  readonly isDone: boolean
  readonly isWhole: boolean
  readonly coarseUntil: number | null
}

/** Reads a query of so many series to its end, slice by slice. */
export async function readSlices(engine: EngineBox, reading: ReadingBox, asked: number): Promise<RangesRead> {
  const none = new Float64Array()
  const series = Array.from({ length: asked }, () => ({ times: none, values: none }))
  let [isWhole, coarseUntil, isDone] = [true, null as number | null, false]
  while (!isDone) {
    const taken = named(() => addon.nextRanges(engine, reading))
    const [told, ...points] = await taken.catch((error: unknown) => {
      throw namedError(error)
    })
    // The addon's replies are ours.
    const slice = JSON.parse(told) as Slice
    const [times, values] = [new Float64Array(points[0]), new Float64Array(points[1])]
    let from = 0
    for (const [position, count] of slice.counts) {
      series[position] = { times: times.subarray(from, from + count), values: values.subarray(from, from + count) }
      from += count
    }
    isWhole &&= slice.isWhole
    if (slice.coarseUntil !== null) coarseUntil = Math.max(coarseUntil ?? slice.coarseUntil, slice.coarseUntil)
    isDone = slice.isDone
  }
  return { series, isWhole, coarseUntil }
}
