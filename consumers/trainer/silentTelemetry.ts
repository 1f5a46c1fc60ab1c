/** For who drives a course outside the trainer process: nothing is told. */
import type { TrainerTelemetry } from './telemetry.ts'

const nothing = () => undefined

export const silentTelemetry: TrainerTelemetry = {
  trained: nothing,
  trainingFailed: nothing,
  staged: nothing,
  rolledBack: nothing,
  scored: nothing,
  drifted: nothing,
  rowsKnown: nothing,
  modelUnreadable: nothing,
  seriesUnavailable: nothing,
  outcomesUnavailable: nothing,
  patternsMined: nothing,
  forecasterHeldBack: nothing,
}
