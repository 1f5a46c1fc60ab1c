import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import * as tf from '@tensorflow/tfjs'

import { chooseBackend, NoBackend } from './backend.ts'
import { createRandom, normal } from './random.ts'

const nativeFolder = join(import.meta.dirname, '../../.native/tfjs-node')
const native = existsSync(join(nativeFolder, 'recipe.sha256'))

/** Forward outputs of a small MLP with fixed weights and inputs, on the backend that is active. */
function forward(): Float32Array {
  const random = createRandom(7)
  const fill = (...shape: [number, number]) =>
    tf.tensor2d(
      Float32Array.from({ length: shape[0] * shape[1] }, () => normal(random)),
      shape,
    )
  return tf.tidy(() => {
    const hidden = tf.relu(tf.add(tf.matMul(fill(64, 24), fill(24, 32)), fill(1, 32)))
    const deeper = tf.tanh(tf.mul(tf.matMul(hidden, fill(32, 16)), 0.1))
    return tf.sigmoid(tf.matMul(deeper, fill(16, 3))).dataSync() as Float32Array
  })
}

/** Gradient of a loss through a layer: what training needs. */
function gradient(): Float32Array {
  return tf.tidy(() => {
    const rows = tf.tensor2d([1, -2, 3, 4, 5, -6], [3, 2])
    const loss = (kernel: tf.Tensor) => tf.sum(tf.softplus(tf.relu(tf.matMul(rows, kernel as tf.Tensor2D))))
    return tf
      .grad(loss)(tf.tensor2d([1, 0.5, -0.5, 2], [2, 2]))
      .dataSync() as Float32Array
  })
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length)
  for (const [index, value] of Array.from(expected).entries())
    assert.ok(Math.abs((actual[index] ?? NaN) - value) <= tolerance, `[${index}] ${actual[index] ?? NaN} for ${value}`)
}

test('wasm and cpu give the same outputs and gradients', async () => {
  assert.equal((await chooseBackend(['cpu'], null)).name, 'cpu')
  const expected = { outputs: forward(), gradient: gradient() }
  assert.equal((await chooseBackend(['wasm'], null)).name, 'wasm')
  assert.equal(tf.getBackend(), 'wasm')
  assertClose(forward(), expected.outputs, 1e-4)
  assertClose(gradient(), expected.gradient, 1e-5)
})

const unbuilt = native ? false : 'native backend not built (npm run tfjs:native)'
test('native and wasm give the same forward outputs', { skip: unbuilt }, async () => {
  assert.equal((await chooseBackend(['native'], nativeFolder)).why, 'native backend')
  assert.equal(tf.getBackend(), 'tensorflow')
  const outputs = forward()
  const ofNative = gradient()
  await chooseBackend(['wasm'], null)
  assertClose(outputs, forward(), 1e-4)
  assertClose(ofNative, gradient(), 1e-5)
})

test('what was passed over is named with its reason', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'no-native-'))
  try {
    const chosen = await chooseBackend(['native', 'wasm', 'cpu'], empty)
    assert.deepEqual(chosen, { name: 'wasm', why: 'wasm backend; not native: not built (npm run tfjs:native)' })
    assert.match((await chooseBackend(['native', 'cpu'], null)).why, /^cpu backend; not native: not configured$/)
    await assert.rejects(chooseBackend(['native'], null), NoBackend)
  } finally {
    await rm(empty, { recursive: true })
  }
})

test('the process keeps its own handlers of fatal errors', async () => {
  await chooseBackend(['wasm'], null)
  const listeners = [...process.listeners('uncaughtException'), ...process.listeners('unhandledRejection')]
  const ofLoader = listeners.map(String).filter((source) => /ExitStatus|throw reason/.test(source))
  assert.deepEqual(ofLoader, [])
})
