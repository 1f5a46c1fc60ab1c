import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { binned, BINS_MAX } from './binning.ts'
import { boost, LOGISTIC } from './boost.ts'
import type { BoostTask } from './boost.ts'
import { createRandom, normal } from './random.ts'
import { sumOfLeaves } from './trees.ts'

const OPTIONS = {
  rounds: 60,
  learningRate: 0.2,
  leavesMax: 8,
  rowsPerLeafMin: 10,
  lambda: 1,
  randomSplits: false,
  rowShare: 0.8,
  featureShare: 1,
}
const WIDTH = 4

function taskOf(rows: number, seed: number, target: (row: Float32Array, noise: number) => number): BoostTask {
  const random = createRandom(seed)
  const values = Float32Array.from({ length: rows * WIDTH }, () => normal(random))
  const targets = Float32Array.from({ length: rows }, (_, i) =>
    target(values.subarray(i * WIDTH, (i + 1) * WIDTH), normal(random)),
  )
  return { values, width: WIDTH, targets }
}
const rowOf = ({ values }: BoostTask, i: number): Float32Array => values.subarray(i * WIDTH, (i + 1) * WIDTH)

test('bins keep the order of the values, and a cut stands between the values that it parts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 300 }),
      (values) => {
        const column = Float32Array.from(values)
        const { bins, cuts } = binned(column, 1)
        const [own] = cuts
        assert.ok(own !== undefined && own.length < BINS_MAX)
        for (let i = 0; i < column.length; i++) {
          const bin = bins[i] ?? 0
          const value = column[i] ?? 0
          assert.ok(bin === own.length || value <= (own[bin] ?? 0))
          assert.ok(bin === 0 || value > (own[bin - 1] ?? 0))
        }
        const different = new Set(column.map((value) => value + 0)).size
        if (different <= BINS_MAX / 2) assert.equal(own.length, different - 1)
      },
    ),
  )
})

test('what no single feature tells is learnt, and later rows are answered by it', () => {
  // Fails where two features have the same sign.
  const failed = (row: Float32Array): number => ((row[0] ?? 0) * (row[2] ?? 0) > 0 ? 1 : 0)
  const later = taskOf(500, 2, failed)
  for (const randomSplits of [false, true]) {
    const trees = boost(taskOf(1500, 1, failed), LOGISTIC, { ...OPTIONS, rounds: 120, randomSplits }, createRandom(1))
    const right = later.targets.filter((target, i) => sumOfLeaves(trees, rowOf(later, i)) > 0 === (target === 1)).length
    assert.ok(right > 450, `${right} of 500`)
  }
})

test('same rows and seed give the same trees, another seed gives others', () => {
  const task = taskOf(300, 5, (row) => ((row[0] ?? 0) > 0 ? 1 : 0))
  const of = (seed: number, randomSplits: boolean) =>
    boost(task, LOGISTIC, { ...OPTIONS, rounds: 5, randomSplits }, createRandom(seed))
  for (const randomSplits of [false, true]) {
    assert.deepEqual(of(1, randomSplits), of(1, randomSplits))
    assert.notDeepEqual(of(1, randomSplits), of(2, randomSplits))
  }
})

test('random splits are other ones than the best', () => {
  const task = taskOf(300, 7, (row) => ((row[0] ?? 0) > 0 ? 1 : 0))
  const all = { ...OPTIONS, rounds: 1, rowShare: 1 }
  const first = (randomSplits: boolean, seed: number) =>
    boost(task, LOGISTIC, { ...all, randomSplits }, createRandom(seed)).threshold[0]
  assert.equal(first(false, 1), first(false, 2))
  assert.ok(new Set([1, 2, 3, 4, 5].map((seed) => first(true, seed))).size > 1)
})

test('fewer rows than two leaves need give the share alone', () => {
  const { roots, value, base } = boost(
    taskOf(15, 6, () => 1),
    LOGISTIC,
    { ...OPTIONS, rounds: 1 },
    createRandom(1),
  )
  assert.deepEqual([roots.length, value.length], [1, 1])
  assert.ok(base > 2)
})
