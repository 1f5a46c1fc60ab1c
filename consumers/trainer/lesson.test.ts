import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { chooseBackend } from '../models/backend.ts'
import { loadClassifier } from '../models/classifier.ts'
import { ANY_ANSWER, confidentFrom } from '../models/confidentFrom.ts'
import { FEATURES, FEATURE_NAMES } from '../models/features.ts'
import { createRandom } from '../models/random.ts'
import { learn } from './lesson.ts'
import type { LessonRow } from './lesson.ts'

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

/** Failure hangs on one feature, loosely. `p`: what a model answered live. */
function rowsOf(count: number, p: (success: boolean, i: number) => number, live: boolean): readonly LessonRow[] {
  const random = createRandom(7)
  const driver = FEATURE_NAMES.indexOf('service.fast')
  return Array.from({ length: count }, (_, i) => {
    const features = new Float32Array(FEATURES)
    features[driver] = 4 * random() - 2
    const success = (features[driver] ?? 0) + 2 * random() - 1 < 0
    const answer = { modelVersion: live ? 'v' : 'base-rate', pSuccess: p(success, i), baseRate: 0.5 }
    return { ...answer, features, success, durationSeconds: null, outcomeAt: i, backfilled: !live }
  })
}
const rightBy = (success: boolean, i: number): number => (i % 10 === 0 ? 0.75 : success ? 0.9 : 0.1)
const lesson = { model: 'ci_run', seed: 1, at: 0 }
const boundIn = (weights: Buffer): number => loadClassifier(weights).confidentFrom

test('held-out answers fix from which probability on a model is confident, and who goes on from it keeps that', () => {
  const history = rowsOf(600, () => 0.5, false)
  const first = learn({ ...lesson, rows: history, holdOut: true, start: null })
  assert.ok(first.heldOut)
  const bound = confidentFrom(first.heldOut.rows)
  assert.ok(bound > ANY_ANSWER && bound < 1)
  assert.equal(boundIn(first.weights), bound)
  const rows = [...history, ...rowsOf(150, rightBy, true)]
  const second = learn({ ...lesson, rows, holdOut: false, start: first.weights })
  assert.equal(boundIn(second.weights), bound)
})

test('new weights without held-out rows take it from what models answered live, and from nothing else', () => {
  const rows = [...rowsOf(200, () => 0.99, false), ...rowsOf(150, rightBy, true)]
  const { weights, heldOut } = learn({ ...lesson, rows, holdOut: false, start: null })
  assert.equal(heldOut, null)
  assert.equal(
    boundIn(weights),
    confidentFrom(rows.slice(200).map(({ pSuccess, success }) => ({ p: pSuccess, success }))),
  )
  const unanswered = learn({ ...lesson, rows: rows.slice(0, 200), holdOut: false, start: null })
  assert.equal(boundIn(unanswered.weights), ANY_ANSWER)
})
