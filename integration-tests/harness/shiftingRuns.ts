/**
 * Seeded CI runs whose inputs move and whose meanings turn: a run fails by the size of its change alone, since each is of a branch of its
 * own and nothing of its past speaks for it.
 */
import { createRandom } from '../../consumers/models/random.ts'
import { FILES, SIZES } from '../../consumers/trainer/shiftingRunsUnderTest.ts'
import type { RunKind } from '../../consumers/trainer/shiftingRunsUnderTest.ts'

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
