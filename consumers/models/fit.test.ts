import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as tf from '@tensorflow/tfjs'
import { createAdamW } from './adamW.ts'
import { chooseBackend } from './backend.ts'
import { dropped, unitMask } from './dropout.ts'
import { fit } from './fit.ts'
import type { FitTask } from './fit.ts'
import { layersOf, lossGradients, outputOf } from './graph.ts'
import type { Network } from './network.ts'
import { forward } from './network.ts'
import { createRandom, normal } from './random.ts'

const WIDTH = 12
const OPTIONS = { epochs: 40, learningRate: 0.01, weightDecay: 0.1, dropout: { inputs: 0.25, hidden: 0.2 } }

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

function networkOf(widths: readonly number[], seed: number): Network {
  const random = createRandom(seed)
  const numbers = (count: number) => Float32Array.from({ length: count }, () => normal(random) / 2)
  return {
    layers: widths.slice(1).map((outputs, i) => {
      const inputs = widths[i] ?? 0
      return { inputs, outputs, kernel: numbers(inputs * outputs), bias: numbers(outputs) }
    }),
  }
}

/** Fails where the first two numbers have unlike signs; the others tell nothing. */
function taskOf(rows: number, seed: number): FitTask {
  const random = createRandom(seed)
  const inputs = Float32Array.from({ length: rows * WIDTH }, () => normal(random))
  const targets = Float32Array.from({ length: rows }, (_, i) =>
    (inputs[i * WIDTH] ?? 0) * (inputs[i * WIDTH + 1] ?? 0) < 0 ? 1 : 0,
  )
  return { inputs, width: WIDTH, targets }
}

test('the gradients are those that TF.js has of the same graph, with units left out', () => {
  const network = networkOf([WIDTH, 8, 4, 1], 1)
  const { inputs, targets } = taskOf(20, 2)
  const random = createRandom(3)
  const masks = [unitMask(20 * 8, 0.5, random), unitMask(20 * 4, 0.5, random)]
  const found = lossGradients(network, inputs, masks, targets)
  const wanted = tf.tidy(() => {
    const x = tf.tensor2d(inputs, [20, WIDTH])
    const y = tf.tensor2d(targets, [20, 1])
    const [first, second] = masks.map((mask) => tf.tensor2d(mask, [20, mask.length / 20])) as [tf.Tensor2D, tf.Tensor2D]
    const loss = (k1: tf.Tensor, b1: tf.Tensor, k2: tf.Tensor, b2: tf.Tensor, k3: tf.Tensor, b3: tf.Tensor) => {
      const one = tf.mul(tf.relu(tf.add(tf.matMul(x, k1 as tf.Tensor2D), b1)), first)
      const two = tf.mul(tf.relu(tf.add(tf.matMul(one as tf.Tensor2D, k2 as tf.Tensor2D), b2)), second)
      return tf.losses.sigmoidCrossEntropy(y, tf.add(tf.matMul(two as tf.Tensor2D, k3 as tf.Tensor2D), b3)).asScalar()
    }
    const tensors = network.layers.flatMap(({ kernel, bias, inputs: from, outputs }) => [
      tf.tensor2d(kernel, [from, outputs]),
      tf.tensor1d(bias),
    ])
    return tf
      .grads(loss)(tensors)
      .map((gradient) => [...gradient.dataSync()])
  })
  assert.equal(found.length, wanted.length)
  found.forEach((gradient, k) => {
    assert.equal(gradient.length, wanted[k]?.length)
    gradient.forEach((value, i) => {
      assert.ok(Math.abs(value - (wanted[k]?.[i] ?? NaN)) < 1e-5, `${k}, ${i}: ${value} not ${wanted[k]?.[i]}`)
    })
  })
})

test('a fitted network of two hidden layers answers later rows, in the plain loop as in the graph', () => {
  const network = fit(taskOf(1500, 1), [16, 8], OPTIONS, createRandom(1), null)
  const later = taskOf(300, 2)
  const rowOf = (i: number) => later.inputs.subarray(i * WIDTH, (i + 1) * WIDTH)
  const plain = Array.from(later.targets, (_, i) => forward(network, rowOf(i))[0] ?? NaN)
  const right = plain.filter((logit, i) => logit > 0 === (later.targets[i] === 1)).length
  assert.ok(right > 255, `${right} of 300`)
  const graph = tf.tidy(() => {
    return outputOf(layersOf(network), tf.tensor2d(later.inputs, [300, WIDTH])).dataSync()
  })
  plain.forEach((logit, i) => {
    assert.ok(Math.abs(logit - (graph[i] ?? NaN)) <= 1e-4)
  })
})

test('the same random numbers give the same weights, others give others, and what it went on from stays as it was', () => {
  const task = taskOf(200, 4)
  const of = (seed: number, start: Network | null) => fit(task, [8, 4], OPTIONS, createRandom(seed), start)
  const first = of(1, null)
  assert.deepEqual(of(1, null), first)
  assert.notDeepEqual(of(2, null), first)
  const kept = structuredClone(first)
  assert.deepEqual(of(3, first), of(3, first))
  assert.notDeepEqual(of(3, first), first)
  assert.deepEqual(first, kept)
})

test('what is left out of a step is so: without dropout other weights come, and a share of the inputs and units is 0', () => {
  const task = taskOf(200, 5)
  const of = (inputs: number, hidden: number) =>
    fit(task, [8], { ...OPTIONS, dropout: { inputs, hidden } }, createRandom(1), null)
  const [none, inputs, hidden] = [of(0, 0), of(0.25, 0), of(0, 0.2)]
  assert.notDeepEqual(inputs, none)
  assert.notDeepEqual(hidden, none)
  const out = new Float32Array(20_000)
  dropped(new Float32Array(20_000).fill(3), 0.25, createRandom(1), out)
  const mask = unitMask(20_000, 0.25, createRandom(2))
  for (const values of [out.map((value) => value / 3), mask]) {
    const left = values.filter((value) => value === 0).length / values.length
    assert.ok(Math.abs(left - 0.25) < 0.015, `${left} left out`)
    assert.ok(values.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6))
  }
})

test('a step of Adam moves by the rate against the slope, and kernels decay while biases do not', () => {
  const network = networkOf([2, 1], 6)
  const [{ kernel, bias }] = structuredClone(network.layers) as unknown as [
    { kernel: Float32Array; bias: Float32Array },
  ]
  createAdamW(network, 2).step([Float32Array.of(5, 0), Float32Array.of(-0.01)], 0.1)
  const [moved] = network.layers
  const apart = (a: number | undefined, b: number) => Math.abs((a ?? NaN) - b)
  assert.ok(apart(moved?.kernel[0], 0.8 * (kernel[0] ?? 0) - 0.1) < 1e-5)
  assert.ok(apart(moved?.kernel[1], 0.8 * (kernel[1] ?? 0)) < 1e-6)
  assert.ok(apart(moved?.bias[0], (bias[0] ?? 0) + 0.1) < 1e-4)
})
