import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadClassifier } from '../models/classifier.ts'
import { ANY_ANSWER } from '../models/confidentFrom.ts'
import { FEATURES, FEATURE_NAMES } from '../models/features.ts'
import { createRandom } from '../models/random.ts'
import { digestOf } from '../models/weights.ts'
import { TrainingFailed, runTask } from './runTask.ts'
import type { Task } from './task.ts'

function task(count: number, start: Buffer | null = null): Task {
  const random = createRandom(1)
  const driver = FEATURE_NAMES.indexOf('service.fast')
  const rows = Array.from({ length: count }, (_, i) => {
    const features = new Float32Array(FEATURES)
    features[driver] = random() * 4 - 2
    const success = (features[driver] ?? 0) < 0
    const answer = { modelVersion: 'base-rate', pSuccess: 0.5, baseRate: 0.5 }
    return { ...answer, features, success, durationSeconds: null, outcomeAt: i, backfilled: true }
  })
  const lesson = { model: 'ci_run', seed: 1, rows, holdOut: true, start, at: 0 }
  return { kind: 'classifier', nativeFolder: null, lesson }
}

test('a training in a process of its own gives weights that answer, and held-out answers beside the base rate', async () => {
  const result = await runTask(task(250), new AbortController().signal, 120_000)
  assert.ok(result.kind === 'classifier')
  const { weights, sha256, heldOut, card } = result.learnt
  assert.equal(digestOf(weights), sha256)
  assert.equal(heldOut?.rows.length, 50)
  // What was held out taught in the end too.
  const { rows, confidentFrom: from } = loadClassifier(weights)
  assert.equal(rows, 250)
  // Of the 50 held-out answers too few to tell.
  assert.equal(from, ANY_ANSWER)
  const right = heldOut.rows.filter(({ p, success }) => p >= 0.5 === success).length
  assert.ok(right > 40, `${right} of 50`)
  const { learnt } = JSON.parse(card) as { learnt: { rows: number; backfilled: number } }
  assert.deepEqual([learnt.rows, learnt.backfilled], [250, 250])
})

test('a lesson goes on from the weights it is given', async () => {
  const learnt = async (start: Buffer | null) => {
    const result = await runTask(task(70, start), new AbortController().signal, 120_000)
    assert.ok(result.kind === 'classifier')
    return result.learnt
  }
  const first = await learnt(null)
  assert.equal(first.heldOut?.rows.length, 30)
  const second = await learnt(first.weights)
  assert.notEqual(second.sha256, first.sha256)
  assert.equal((JSON.parse(second.card) as { training: { start: string } }).training.start, first.sha256)
})

test('a training that is stopped or takes too long fails by name', async () => {
  const stop = new AbortController()
  const stopped = runTask(task(250), stop.signal, 120_000)
  stop.abort()
  await assert.rejects(stopped, TrainingFailed)
  await assert.rejects(runTask(task(250), new AbortController().signal, 5), TrainingFailed)
})
