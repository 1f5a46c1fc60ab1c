/**
 * Kinds of runs whose inputs move and whose meanings turn: a run fails by the size of its change alone. For the test of the course and
 * for the scenario.
 */
export interface RunKind {
  /** Sources tell the files of changes, too. */
  readonly withFiles: boolean
  /** How often small and large changes fail. */
  readonly fails: readonly [number, number]
}

export const LEARNT: RunKind = { withFiles: false, fails: [0.05, 0.9] }
export const MOVED: RunKind = { withFiles: true, fails: [0.05, 0.9] }
export const TURNED: RunKind = { withFiles: true, fails: [0.9, 0.05] }

/** Lines, at least; up to twice as many. */
export const SIZES = [50, 2000] as const
export const FILES = {
  filesAdded: 3,
  filesModified: 12,
  filesDeleted: 1,
  srcFiles: 10,
  docFiles: 4,
  otherFiles: 2,
  dockerfileChanged: true,
  composeChanged: true,
  fileTypes: '.ts .rs .sql .md .yaml .json .sh .css',
}
