/** How much nearer each point lies to its own cluster than to the next one (Rousseeuw 1987). */
import { dot } from './failureVector.ts'

/** 1 − cosine of every two of these unit vectors, row by row. */
export function distancesOf(vectors: readonly Float64Array[]): Float32Array {
  const n = vectors.length
  const distances = new Float32Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const distance = 1 - dot(vectors[i] as Float64Array, vectors[j] as Float64Array)
      distances[i * n + j] = distance
      distances[j * n + i] = distance
    }
  }
  return distances
}

/** −1..1 of each point; 0 for one that is alone in its cluster. `labels`: its cluster, 0 … k − 1; k ≥ 2. */
export function silhouettesOf(distances: Float32Array, labels: readonly number[], k: number): Float64Array {
  const n = labels.length
  const sizes = new Float64Array(k)
  for (const label of labels) sizes[label] = (sizes[label] as number) + 1
  const sums = new Float64Array(k)
  return Float64Array.from(labels, (own, i) => {
    sums.fill(0)
    for (let j = 0; j < n; j++) {
      const label = labels[j] as number
      sums[label] = (sums[label] as number) + (distances[i * n + j] as number)
    }
    const others = (sizes[own] as number) - 1
    if (others === 0) return 0
    const within = (sums[own] as number) / others
    const next = sums.reduce(
      (least, sum, label) =>
        label === own || sizes[label] === 0 ? least : Math.min(least, sum / (sizes[label] as number)),
      Infinity,
    )
    const most = Math.max(within, next)
    return most === 0 ? 0 : (next - within) / most
  })
}
