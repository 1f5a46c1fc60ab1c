/** What the size of a change tells, and when two attempts ship the same change. */
import type { ChangeSize } from '../../schemas/generated/events.ts'
import type { Attempt } from './attempt.ts'

/** Lines added and deleted; null when neither is known. */
export function changeLines(change: ChangeSize | null): number | null {
  if (change === null || (change.linesAdded === null && change.linesDeleted === null)) return null
  return (change.linesAdded ?? 0) + (change.linesDeleted ?? 0)
}

/**
 * Identity of what is shipped: the commit; without one, the sizes and kinds of the touched files (two unlike changes rarely
 * agree in all of them). Null when neither is known.
 */
export function sameChange(attempt: Pick<Attempt, 'sha' | 'change'>): string | null {
  if (attempt.sha !== null) return attempt.sha
  const change = attempt.change
  if (change === null || changeLines(change) === null) return null
  return [
    change.filesAdded,
    change.filesDeleted,
    change.filesModified,
    change.linesAdded,
    change.linesDeleted,
    change.srcFiles,
    change.docFiles,
    change.otherFiles,
    change.fileTypes,
  ].join(',')
}
