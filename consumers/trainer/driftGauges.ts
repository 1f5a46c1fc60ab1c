/** How far the inputs of a model have moved, as metrics by group of features. A figure that is not known has no sample. */
import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import { FACTORS } from '../models/factors.ts'
import type { GroupDrift } from './inputDrift.ts'

export function createDriftGauges(registry: Registry): (model: string, drift: readonly GroupDrift[] | null) => void {
  const labelNames = ['model', 'feature_group'] as const
  const registers = [registry]
  const index = new Gauge({
    name: 'devops_model_input_drift',
    help: 'Mean population stability index of the features of a group, live against what the champion learnt on.',
    labelNames,
    registers,
  })
  const drifted = new Gauge({
    name: 'devops_model_drifted_features',
    help: 'Share of the features of a group whose population stability index is above 0.25.',
    labelNames,
    registers,
  })
  return (model, drift) => {
    for (const group of FACTORS) {
      const labels = { model, feature_group: group }
      const found = drift?.find((one) => one.group === group)
      if (found === undefined) {
        index.remove(labels)
        drifted.remove(labels)
      } else {
        index.set(labels, found.index)
        drifted.set(labels, found.drifted)
      }
    }
  }
}
