/**
 * Failures that are alike, by k-means over their unit vectors. Clusters whose centroids are alike by the threshold become one; k is the one
 * with the best mean silhouette, a run unlike its centroid counting 0. A cluster goes on with the id of the earlier one that it is like.
 */
import { createHash } from 'node:crypto'
import { kmeans } from 'ml-kmeans'
import { dot, normalise, vectorOf } from './failureVector.ts'
import type { Failure } from './failureVector.ts'
import { distancesOf, silhouettesOf } from './silhouette.ts'

export interface FailureCluster {
  readonly id: string
  /** Unit vector. */
  readonly centroid: Float64Array
  /** Ids of its runs. */
  readonly runs: readonly string[]
  /** Mean over its runs; null where nothing was parted. */
  readonly silhouette: number | null
  /** What nearly all of its runs have, what others have least first. */
  readonly common: readonly { readonly field: string; readonly value: string }[]
}

export interface Clustering {
  readonly clusters: readonly FailureCluster[]
  /** Mean over all failed runs; null where nothing was parted. */
  readonly silhouette: number | null
}

const K_MAX = 20
/** Less is no substantial structure (Kaufman and Rousseeuw 1990). */
const SILHOUETTE_MIN = 0.25
/** Fewer runs are no cluster. */
const RUNS_MIN = 5
const COMMON_SHARE = 0.8
const COMMON_MAX = 6

interface Parting {
  readonly labels: readonly number[]
  readonly centroids: readonly Float64Array[]
  readonly silhouettes: Float64Array | null
}

/** `similarity`: least cosine of a run to the centroid of its cluster, and of a cluster to the earlier one whose id it takes. */
export function clusterFailures(
  failures: readonly Failure[],
  known: readonly FailureCluster[],
  similarity: number,
  seed: number,
): Clustering {
  const vectors = failures.map(vectorOf)
  const { labels, centroids, silhouettes } = part(vectors, similarity, seed)
  const drafts = centroids.flatMap((centroid, label): Omit<FailureCluster, 'id'>[] => {
    const members = [...failures.keys()].filter(
      (i) => labels[i] === label && dot(vectors[i] as Float64Array, centroid) >= similarity,
    )
    if (members.length < RUNS_MIN) return []
    return [
      {
        centroid,
        runs: members.map((i) => (failures[i] as Failure).id).sort(),
        silhouette: silhouettes === null ? null : mean(members.map((i) => silhouettes[i] as number)),
        common: commonOf(failures, new Set(members)),
      },
    ]
  })
  return {
    clusters: withIds(drafts, known, similarity).sort(
      (a, b) => b.runs.length - a.runs.length || (a.id < b.id ? -1 : 1),
    ),
    silhouette: silhouettes === null ? null : mean([...silhouettes]),
  }
}

function part(vectors: readonly Float64Array[], similarity: number, seed: number): Parting {
  const points = vectors.map((vector) => [...vector])
  const distances = distancesOf(vectors)
  const kinds = new Set(points.map(String)).size
  let best: Parting = {
    labels: vectors.map(() => 0),
    centroids: centroidsOf(
      vectors,
      vectors.map(() => 0),
    ),
    silhouettes: null,
  }
  let bestScore = 0
  for (let k = 2; k <= Math.min(K_MAX, kinds, vectors.length - 1); k++) {
    const { clusters } = kmeans(points, k, { seed, initialization: 'kmeans++' })
    const { labels, centroids } = merged(vectors, clusters, similarity)
    if (largeParts(labels, centroids.length) < 2) continue
    const silhouettes = silhouettesOf(distances, labels, centroids.length)
    const isAlike = (i: number) =>
      dot(vectors[i] as Float64Array, centroids[labels[i] as number] as Float64Array) >= similarity
    const score = mean([...silhouettes].map((own, i) => (isAlike(i) ? own : 0)))
    if (score > bestScore && mean([...silhouettes]) > SILHOUETTE_MIN) {
      best = { labels, centroids, silhouettes }
      bestScore = score
    }
  }
  return best
}

/** Clusters that are as like as runs of one cluster become one, the likest first. */
function merged(
  vectors: readonly Float64Array[],
  clusters: readonly number[],
  similarity: number,
): Pick<Parting, 'labels' | 'centroids'> {
  const used = [...new Set(clusters)]
  let labels = clusters.map((cluster) => used.indexOf(cluster))
  for (;;) {
    const centroids = centroidsOf(vectors, labels)
    const pairs = centroids.flatMap((centroid, a) =>
      centroids.slice(0, a).map((other, b) => ({ a, b, like: dot(centroid, other) })),
    )
    const likest = pairs.reduce((most, pair) => (pair.like > most.like ? pair : most), { a: 0, b: 0, like: -1 })
    if (likest.like < similarity) return { labels, centroids }
    const { a, b } = likest
    labels = labels.map((label) => (label === a ? b : label > a ? label - 1 : label))
  }
}

/** Their directions; `labels`: 0 … k − 1, each used. */
function centroidsOf(vectors: readonly Float64Array[], labels: readonly number[]): readonly Float64Array[] {
  const sums: Float64Array[] = []
  vectors.forEach((vector, i) => {
    const sum = (sums[labels[i] as number] ??= new Float64Array(vector.length))
    for (let at = 0; at < vector.length; at++) sum[at] = (sum[at] as number) + (vector[at] as number)
  })
  return sums.map(normalise)
}

/** How many have enough runs; the others are strays. */
function largeParts(labels: readonly number[], k: number): number {
  const sizes = new Array<number>(k).fill(0)
  for (const label of labels) sizes[label] = (sizes[label] ?? 0) + 1
  return sizes.filter((size) => size >= RUNS_MIN).length
}

/** The likest pair first; each earlier id goes to one cluster. A new id is a digest of the runs that the cluster began with. */
function withIds(
  drafts: readonly Omit<FailureCluster, 'id'>[],
  known: readonly FailureCluster[],
  similarity: number,
): FailureCluster[] {
  const pairs = drafts
    .flatMap((draft) => known.map((earlier) => ({ draft, earlier, like: dot(draft.centroid, earlier.centroid) })))
    .filter(({ like }) => like >= similarity)
    .sort((a, b) => b.like - a.like)
  const ids = new Map<Omit<FailureCluster, 'id'>, string>()
  const taken = new Set<string>()
  for (const { draft, earlier } of pairs) {
    if (ids.has(draft) || taken.has(earlier.id)) continue
    ids.set(draft, earlier.id)
    taken.add(earlier.id)
  }
  return drafts.map((draft) => ({ id: ids.get(draft) ?? idOf(draft.runs), ...draft }))
}

const idOf = (runs: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(runs)).digest('hex').slice(0, 16)

function commonOf(failures: readonly Failure[], members: ReadonlySet<number>): FailureCluster['common'] {
  const counts = new Map<string, { field: string; value: string; own: number; other: number }>()
  failures.forEach((failure, i) => {
    for (const [field, value] of traitsOf(failure)) {
      const key = `${field} ${value}`
      const count = counts.get(key) ?? { field, value, own: 0, other: 0 }
      counts.set(key, count)
      count[members.has(i) ? 'own' : 'other']++
    }
  })
  return [...counts.values()]
    .filter(({ own }) => own >= COMMON_SHARE * members.size)
    .sort((a, b) => a.other - b.other || b.own - a.own || (`${a.field} ${a.value}` < `${b.field} ${b.value}` ? -1 : 1))
    .slice(0, COMMON_MAX)
    .map(({ field, value }) => ({ field, value }))
}

/** Names only: numbers have no value that many share. */
function traitsOf({ end, attributes }: Failure): readonly (readonly [field: string, value: string])[] {
  const known = new Map(Object.entries(end))
  for (const [field, value] of Object.entries(attributes)) {
    if (typeof value === 'string' || typeof value === 'boolean') known.set(field, String(value))
  }
  return [...known]
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
