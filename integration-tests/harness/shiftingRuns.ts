/**
 * Seeded CI runs whose inputs move and whose meanings turn: a run fails by the size of its change alone, since each is of a branch of its
 * own and nothing of its past speaks for it.
 */
import { createRandom } from '../../consumers/models/random.ts'

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
const SIZES = [50, 2000] as const
const FILES = {
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
const FIRST_AT = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000

/** ms */
export const startOfRun = (number: number): number => FIRST_AT + number * MINUTE_MS

/** Start and end of runs `from` to `from + count`, as POST /v1/events takes them. */
export function shiftingRuns(service: string, count: number, from: number, kind: RunKind): readonly object[] {
  return Array.from({ length: count }, (_, i) => lifeOf(service, from + i, kind)).flat()
}

function lifeOf(service: string, number: number, { withFiles, fails }: RunKind): readonly object[] {
  const random = createRandom(number + 1)
  const large = random() < 1 / 3 ? 1 : 0
  const lines = Math.ceil(SIZES[large] * (1 + random()))
  const occurredAt = startOfRun(number)
  const started = {
    type: 'deployment',
    service,
    phase: 'started',
    key: `shop/run/${number}`,
    branch: `b${number}`,
    workflow: 'test',
    trigger: 'push',
    change: { linesAdded: lines, linesDeleted: 0, ...(withFiles ? FILES : {}) },
    occurredAt,
  }
  const conclusion = random() < fails[large] ? 'failure' : 'success'
  return [started, { ...started, phase: 'finished', conclusion, occurredAt: occurredAt + MINUTE_MS / 2 }]
}
