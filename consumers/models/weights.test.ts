import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WeightsInvalid } from './packedWeights.ts'
import { deserialise, digestOf, serialise } from './weights.ts'
import type { ClassifierWeights } from './weights.ts'

const float = fc.float({ noNaN: true, noDefaultInfinity: true })
const floats = (length: number) =>
  fc.array(float, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values))
const dense = (inputs: number, outputs: number) =>
  fc.record({
    inputs: fc.constant(inputs),
    outputs: fc.constant(outputs),
    kernel: floats(inputs * outputs),
    bias: floats(outputs),
  })
const network = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
  .chain(([inputs, hidden]) => fc.tuple(dense(inputs, hidden), dense(hidden, 1)))
  .map((layers) => ({ layers }))
/** A tree of one split, and one of a leaf alone. */
const trees = fc.tuple(float, floats(4)).map(([base, numbers]) => ({
  // The header is JSON, which has no -0.
  base: base + 0,
  roots: Uint32Array.of(0, 3),
  feature: Uint16Array.of(2, 0, 0, 0),
  threshold: Float32Array.of(numbers[0] ?? 0, 0, 0, 0),
  left: Uint32Array.of(1, 0, 0, 0),
  value: Float32Array.of(0, numbers[1] ?? 0, numbers[2] ?? 0, numbers[3] ?? 0),
}))
const weights: fc.Arbitrary<ClassifierWeights> = fc.record({
  featureSet: fc.string(),
  rows: fc.nat(),
  center: floats(3),
  scale: floats(3),
  outcome: fc.array(network, { minLength: 1, maxLength: 3 }),
  outcomeTrees: fc.array(trees, { maxLength: 2 }),
  treesShare: fc.double({ min: 0, max: 1, noNaN: true }),
  confidentFrom: fc.double({ min: 0.5, max: 1, noNaN: true }),
  typicalLogDuration: fc.option(fc.constant([1, 2, 3] as const)),
})

test('weights come back as they were, and equal weights have one digest', () => {
  fc.assert(
    fc.property(weights, (one) => {
      const bytes = serialise(one)
      assert.deepEqual(structuredClone(deserialise(bytes)), structuredClone(one))
      assert.equal(digestOf(serialise(deserialise(bytes))), digestOf(bytes))
    }),
  )
})

test('bytes that were cut, lengthened or are something else are refused', () => {
  const bytes = serialise(fc.sample(weights, { numRuns: 1, seed: 3 })[0] as ClassifierWeights)
  const refused = [
    Buffer.alloc(0),
    Buffer.from([9, 0, 0, 0, 1]),
    bytes.subarray(0, bytes.length - 1),
    Buffer.concat([bytes, Buffer.alloc(4)]),
    Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('{}')]),
  ]
  for (const each of refused) assert.throws(() => deserialise(each), WeightsInvalid)
})

test('a tree that leads out of its nodes or in a circle is refused', () => {
  const one = fc.sample(weights, { numRuns: 1, seed: 3 })[0] as ClassifierWeights
  const [tree] = fc.sample(trees, { numRuns: 1, seed: 3 })
  assert.ok(tree)
  for (const left of [Uint32Array.of(3, 0, 0, 0), Uint32Array.of(2, 0, 1, 0)]) {
    const bytes = serialise({ ...one, outcomeTrees: [{ ...tree, left }] })
    assert.throws(() => deserialise(bytes), /leads out of its nodes/u)
  }
})
