/** For tests: mixtures of any function of features, feature by feature. */
import type { Explainable } from './factors.ts'

export function mixturesOf(
  failureLogit: (features: Float32Array) => number,
  typical: Float32Array,
): Explainable['mixtures'] {
  return (features, groupOf) => (present) =>
    failureLogit(typical.map((value, i) => (((present >> (groupOf[i] ?? 0)) & 1) === 1 ? (features[i] ?? 0) : value)))
}
