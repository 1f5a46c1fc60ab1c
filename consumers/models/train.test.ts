import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { chooseBackend } from './backend.ts'
import { createClassifier, loadClassifier } from './classifier.ts'
import { FEATURES, FEATURE_NAMES, NUMERIC_FEATURES } from './features.ts'
import { NO_NAME } from './inputRow.ts'
import { mixturesOf } from './mixturesUnderTest.ts'
import { createRandom, normal } from './random.ts'
import { createShelf } from './shelf.ts'
import { roundsFor } from './outcome.ts'
import { TRAINING, trainClassifier } from './train.ts'
import type { TrainingOptions, TrainingRow } from './train.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { digestOf, serialise } from './weights.ts'

const QUICK: Omit<TrainingOptions, 'seed'> = {
  ...TRAINING,
  networks: { ...TRAINING.networks, members: 2, hidden: [16, 8] },
  trees: { ...TRAINING.trees, rounds: 60, roundsMin: 60, learningRate: 0.2 },
}
const DRIVER = FEATURE_NAMES.indexOf('branch.fast')

/** Rows whose failure hangs on one feature. */
function syntheticRows(count: number, seed: number): readonly TrainingRow[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const features = Float32Array.from({ length: FEATURES }, (_, i) =>
      i % 8 === 0 || i === DRIVER ? normal(random) : 0,
    )
    for (let i = NUMERIC_FEATURES; i < FEATURES; i++) features[i] = Math.floor(random() * 16)
    const driver = features[DRIVER] ?? 0
    return {
      features,
      success: random() > 1 / (1 + Math.exp(-3 * driver)),
      durationSeconds: 300 * Math.exp(0.2 * normal(random)),
    }
  })
}

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

test('it learns what failure hangs on, better than the share of failures, and what durations are typical', () => {
  const model = createClassifier(trainClassifier(syntheticRows(1200, 1), { ...QUICK, seed: 1 }), 'one')
  const later = syntheticRows(400, 2)
  const right = later.filter((row) => model.pSuccess(row.features) >= 0.5 === row.success).length
  assert.ok(right / later.length > 0.72, `${right} of ${later.length}`)
  const { p10, p50, p90 } = model.typicalDuration ?? { p10: NaN, p50: NaN, p90: NaN }
  const share = (seconds: number) =>
    later.filter(({ durationSeconds }) => (durationSeconds ?? 0) <= seconds).length / 400
  for (const [seconds, level] of [
    [p10, 0.1],
    [p50, 0.5],
    [p90, 0.9],
  ] as const)
    assert.ok(Math.abs(share(seconds) - level) < 0.1, `${share(seconds)} of the later rows within ${seconds} s`)
})

test('same rows and seed give the same weights, another seed gives others', () => {
  const rows = syntheticRows(200, 3)
  const digest = (seed: number) => digestOf(serialise(trainClassifier(rows, { ...QUICK, seed })))
  assert.equal(digest(1), digest(1))
  assert.notEqual(digest(1), digest(2))
})

test('going on from weights keeps their scaling and lowers the loss on new rows', () => {
  const first = trainClassifier(syntheticRows(300, 4), { ...QUICK, seed: 1 })
  const rows = syntheticRows(900, 5)
  const second = trainClassifier(rows, { ...QUICK, seed: 1 }, first)
  assert.deepEqual(second.center, first.center)
  const loss = (weights: typeof first) => {
    const model = createClassifier(weights, 'x')
    return rows.reduce((sum, { features, success }) => {
      const p = model.pSuccess(features)
      return sum - Math.log(success ? p : 1 - p)
    }, 0)
  }
  assert.ok(loss(second) < loss(first))
})

test('mixtures of an attempt and a typical one are answered as the model answers their features', () => {
  const weights = trainClassifier(syntheticRows(300, 6), { ...QUICK, seed: 1 })
  const model = createClassifier({ ...weights, treesShare: 0.4 }, 'x')
  const typical = new Float32Array(FEATURES).fill(NO_NAME)
  typical.set(weights.center)
  const groupOf = Array.from({ length: FEATURES }, (_, i) => i % 3)
  const logit = (p: number): number => Math.log((1 - p) / p)
  for (const { features } of syntheticRows(5, 7)) {
    const mixed = model.mixtures(features, groupOf, 3)
    const wanted = mixturesOf((row) => logit(model.pSuccess(row)), typical)(features, groupOf, 3)
    for (let present = 0; present < 8; present++) {
      assert.ok(Math.abs(mixed(present) - wanted(present)) < 1e-4, `${mixed(present)} not ${wanted(present)}`)
    }
  }
})

test('a shelf serves by stage, refuses foreign weights, and forgets who retired', async () => {
  const bytes = serialise(trainClassifier(syntheticRows(100, 8), { ...QUICK, seed: 1 }))
  const sha256 = digestOf(bytes)
  const shelf = createShelf()
  const record = { model: 'ci_run', sha256, card: '{}', at: 5, cause: null, scores: null }
  const stage = (name: 'challenger' | 'champion' | 'previous' | 'retired') =>
    shelf.accept({ ...record, kind: 'stage', stage: name, weights: null })
  await shelf.accept({ ...record, kind: 'weights', stage: null, weights: bytes })
  assert.equal(shelf.champion('ci_run'), null)
  await stage('challenger')
  assert.equal(shelf.challenger('ci_run')?.version, sha256)
  await stage('champion')
  assert.equal(shelf.challenger('ci_run'), null)
  assert.equal(shelf.champion('ci_run')?.version, sha256)
  assert.equal(shelf.champion('deployment'), null)
  const [row] = syntheticRows(1, 9)
  assert.ok(row)
  assert.equal(shelf.champion('ci_run')?.pSuccess(row.features), loadClassifier(bytes).pSuccess(row.features))
  await stage('previous')
  assert.equal(shelf.champion('ci_run'), null)
  assert.deepEqual(
    shelf.list().map((entry) => entry.stage),
    ['previous'],
  )
  await stage('retired')
  assert.deepEqual(shelf.list(), [])
  const told = {
    outcomes: 30,
    from: 1,
    to: 2,
    accuracy: 0.8,
    logLoss: 0.5,
    brier: 0.1,
    baseRateAccuracy: 0.7,
    baseRateLogLoss: 0.6,
    baseRateBrier: 0.2,
  }
  await shelf.accept({ ...record, kind: 'scores', stage: null, weights: null, scores: told })
  assert.deepEqual(shelf.scores('ci_run', sha256), told)
  assert.equal(shelf.scores('ci_run', 'base-rate'), null, 'of another version')
  const foreign = { ...record, kind: 'weights' as const, stage: null, weights: bytes, sha256: 'other' }
  await assert.rejects(shelf.accept(foreign), WeightsInvalid)
})

test('weights of all slots may come before the first record that names one', async () => {
  const learnt = trainClassifier(syntheticRows(100, 8), { ...QUICK, seed: 1 })
  const stages = ['champion', 'challenger', 'previous'] as const
  const held = ['deployment', 'ci_run'].flatMap((model, m) =>
    stages.map((stage, i) => {
      const weights = serialise({ ...learnt, rows: 10 * m + i + 1 })
      return { model, stage, weights, sha256: digestOf(weights), card: '{}', at: 0, cause: null, scores: null }
    }),
  )
  const shelf = createShelf()
  for (const one of held) await shelf.accept({ ...one, kind: 'weights', stage: null })
  for (const one of held) await shelf.accept({ ...one, kind: 'stage', weights: null })
  assert.equal(shelf.list().length, held.length)
})

test('few rows are fitted in fewer rounds of trees', () => {
  const roundsOf = (rows: number) => roundsFor(rows, TRAINING.trees)
  assert.deepEqual([100, 1500, 2000, 3000, 10_000].map(roundsOf), [150, 150, 200, 300, 300])
  const { outcomeTrees } = trainClassifier(syntheticRows(100, 8), { ...TRAINING, networks: QUICK.networks, seed: 1 })
  assert.equal(outcomeTrees[0]?.roots.length, 150)
})
