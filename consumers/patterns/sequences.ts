/** What fails after what: which other services had failed last, shortly before a run began. */
import type { Field, PatternRow } from './row.ts'

const FIELD = 'failed_before'
export const SEQUENCE_FIELD: Field = { name: FIELD, kind: 'texts' }

/** Longer ago it is hardly one sequence. */
const WITHIN_MS = 3_600_000

/** `rows` in the order of their starts. Only ends that were known by the start count, and of each service the last one. */
export function withFailuresBefore(rows: readonly PatternRow[]): readonly PatternRow[] {
  const ends = [...rows].sort((a, b) => a.finishedAt - b.finishedAt)
  const last = new Map<string, PatternRow>()
  let known = 0
  return rows.map((row) => {
    for (let end = ends[known]; end !== undefined && end.finishedAt <= row.startedAt; end = ends[++known]) {
      last.set(end.service, end)
    }
    const failed = [...last.values()].filter(
      (other) => other.failed && other.service !== row.service && row.startedAt - other.finishedAt <= WITHIN_MS,
    )
    return { ...row, attributes: { ...row.attributes, [FIELD]: failed.map(({ service }) => service).sort() } }
  })
}
