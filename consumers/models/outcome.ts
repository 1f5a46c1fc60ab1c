/** What foretells the outcome: boosted trees beside networks, learnt from the same rows. */
import { boost, LOGISTIC } from './boost.ts'
import type { BoostOptions } from './boost.ts'
import { NUMERIC_FEATURES } from './features.ts'
import { fit } from './fit.ts'
import type { FitOptions } from './fit.ts'
import { INPUTS, writeInputRow } from './inputRow.ts'
import type { Scaling } from './inputRow.ts'
import type { Network } from './network.ts'
import { createRandom } from './random.ts'
import type { Trees } from './trees.ts'

export interface NetworksOptions extends FitOptions {
  readonly members: number
  readonly hidden: readonly number[]
  /** Instead of `epochs` when it goes on from weights at hand. */
  readonly refineEpochs: number
}

/** `rounds` at most. */
export interface TreesOptions extends BoostOptions {
  /** Few rows are fitted in few rounds: one for so many rows, but these at least. */
  readonly rowsPerRound: number
  readonly roundsMin: number
}

export interface OutcomeTask {
  readonly rows: readonly { readonly features: Float32Array; readonly success: boolean }[]
  readonly seed: number
}

const failuresOf = (rows: OutcomeTask['rows']): Float32Array =>
  Float32Array.from(rows, ({ success }) => (success ? 0 : 1))

/** Each member from its own seed; going on from `start` where there is any. */
export function outcomeNetworks(
  { rows, seed }: OutcomeTask,
  scaling: Scaling,
  options: NetworksOptions,
  start: readonly Network[],
): readonly Network[] {
  const inputs = new Float32Array(rows.length * INPUTS)
  rows.forEach(({ features }, i) => {
    writeInputRow(features, scaling, inputs, i * INPUTS)
  })
  const task = { inputs, width: INPUTS, targets: failuresOf(rows) }
  const epochs = start.length === 0 ? options.epochs : options.refineEpochs
  return Array.from({ length: options.members }, (_, member) =>
    fit(task, options.hidden, { ...options, epochs }, createRandom(seed * 1009 + member), start[member] ?? null),
  )
}

/** Of the plain numbers alone: hashed names say nothing to a threshold. */
export function outcomeTrees({ rows, seed }: OutcomeTask, options: TreesOptions): Trees {
  const values = new Float32Array(rows.length * NUMERIC_FEATURES)
  rows.forEach(({ features }, i) => {
    values.set(features.subarray(0, NUMERIC_FEATURES), i * NUMERIC_FEATURES)
  })
  const task = { values, width: NUMERIC_FEATURES, targets: failuresOf(rows) }
  return boost(task, LOGISTIC, { ...options, rounds: roundsFor(rows.length, options) }, createRandom(seed * 1009 + 700))
}

export const roundsFor = (rows: number, { rounds, roundsMin, rowsPerRound }: TreesOptions): number =>
  Math.min(rounds, Math.max(roundsMin, Math.floor(rows / rowsPerRound)))
