import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../models/random.ts'
import { clusterFailures } from './clusters.ts'
import type { FailureCluster } from './clusters.ts'
import type { Failure } from './failureVector.ts'
import { distancesOf, silhouettesOf } from './silhouette.ts'

const SIMILARITY = 0.85
const KINDS = [
  { conclusion: 'failure', name: 'unit tests of shard', workflow: 'ci' },
  { conclusion: 'timeout', name: 'deploy to staging', workflow: 'deploy' },
  { conclusion: 'error', name: 'build image', workflow: 'image', steps: 'failed' },
] as const

/** Failures of these kinds in turn; what was known at their start says nothing of the kind. */
function failures(seed: number, count: number, kinds: number = KINDS.length): readonly Failure[] {
  const random = createRandom(seed)
  const one = (names: readonly string[]) => names[Math.floor(random() * names.length)] ?? null
  return Array.from({ length: count }, (_, i) => {
    const { name, ...end } = KINDS[i % kinds] ?? KINDS[0]
    return {
      id: `run ${i}`,
      end: { ...end, name: `${name} ${i}` },
      attributes: {
        branch: one(['main', 'next', 'fix']),
        actor: one(['a', 'b', 'c', 'd']),
        lines_added: Math.floor(random() ** 3 * 1000),
        pull_request: random() < 0.5,
        hour: i % 24,
      },
    }
  })
}

const kindOf = (id: string): number => Number(id.split(' ')[1]) % KINDS.length
const cluster = (rows: readonly Failure[], known: readonly FailureCluster[] = []) =>
  clusterFailures(rows, known, SIMILARITY, 1)

test('planted kinds are parted, each whole, with what they have in common and silhouettes', () => {
  const { clusters, silhouette } = cluster(failures(1, 120))
  assert.equal(clusters.length, KINDS.length)
  assert.deepEqual(
    clusters.map(({ runs }) => runs.length),
    [40, 40, 40],
  )
  for (const { runs, common, silhouette: own } of clusters) {
    assert.equal(new Set(runs.map(kindOf)).size, 1)
    assert.ok((own ?? 0) > 0.25)
    const { workflow } = KINDS[kindOf(runs[0] ?? '')] ?? KINDS[0]
    assert.ok(common.some(({ field, value }) => field === 'workflow' && value === workflow))
  }
  assert.ok((silhouette ?? 0) > 0.25)
})

test('ids stay: with the same failures, with more of them, and in whatever order they come', () => {
  const all = failures(2, 240)
  const first = cluster(all.slice(0, 120))
  assert.deepEqual(cluster(all.slice(0, 120)), first)
  const ids = (clusters: readonly FailureCluster[]) =>
    new Map(clusters.map(({ id, runs }) => [kindOf(runs[0] ?? ''), id]))
  const later = cluster([...all].reverse(), first.clusters)
  assert.deepEqual([...ids(later.clusters)].sort(), [...ids(first.clusters)].sort())
  assert.ok(later.clusters.every(({ runs }) => runs.length === 80))
  // The one that has gone takes its id with it; the others keep theirs.
  const two = cluster(failures(3, 120, 2), later.clusters)
  assert.deepEqual(
    [...ids(two.clusters).values()].every((id) => later.clusters.some((known) => known.id === id)),
    true,
  )
  assert.equal(two.clusters.length, 2)
})

test('failures of one kind are not parted; few are no cluster; none give none', () => {
  const one = cluster(failures(4, 60, 1))
  assert.deepEqual([one.clusters.length, one.clusters[0]?.runs.length, one.silhouette], [1, 60, null])
  assert.deepEqual(cluster(failures(5, 4)), { clusters: [], silhouette: null })
  assert.deepEqual(cluster([]), { clusters: [], silhouette: null })
})

test('what says nothing is not parted', () => {
  const random = createRandom(6)
  const rows = failures(6, 80, 1).map((row) => ({
    ...row,
    end: { name: Array.from({ length: 4 }, () => 'abcdefghijklmnopqrstuvwxyz'[Math.floor(random() * 26)]).join(' ') },
  }))
  assert.equal(cluster(rows).silhouette, null)
})

test('silhouettes are those of the definition', () => {
  const vectors = [
    [1, 0],
    [0.8, 0.6],
    [0, 1],
    [-1, 0],
  ].map((point) => Float64Array.from(point))
  const [first, second, third, alone] = silhouettesOf(distancesOf(vectors), [0, 0, 1, 2], 3)
  // 1 − cosine: first to second .2, first to third 1; second to third .4.
  assert.ok(Math.abs((first ?? 0) - 0.8) < 1e-6)
  assert.ok(Math.abs((second ?? 0) - 0.5) < 1e-6)
  assert.deepEqual([third, alone], [0, 0])
})
