/** Whether a forecaster may answer: by the days and series that it has not learnt from, beside seasonal naive on the same. */
import type { CapacityCard } from './capacity.ts'

export interface ForecasterVerdict {
  readonly isBetter: boolean
  readonly reason: string
}

/** It must beat seasonal naive on the own series held out, where there are any, and on the synthetic ones. */
export function judgeForecaster({ heldOut }: Pick<CapacityCard, 'heldOut'>): ForecasterVerdict {
  const judged = Object.entries(heldOut).flatMap(([name, each]) => (each === null ? [] : [{ name, ...each }]))
  const figures = judged.map(
    ({ name, mase, maseSeasonalNaive }) =>
      `MASE ${mase.toFixed(3)} on ${name} series, seasonal naive ${maseSeasonalNaive.toFixed(3)}`,
  )
  if (judged.length === 0) return { isBetter: false, reason: 'nothing was held out to judge by' }
  return {
    isBetter: judged.every(({ mase, maseSeasonalNaive }) => mase < maseSeasonalNaive),
    reason: figures.join('; '),
  }
}
