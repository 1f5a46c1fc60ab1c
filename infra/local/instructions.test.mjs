import assert from 'node:assert/strict'
import test from 'node:test'
import { compare, whyNotCounted } from './instructions.mjs'

const recorded = { architecture: 'x64', tolerance: 0.05, counts: { read: 100_000, write: 2_000 } }

test('what is within the tolerance is nothing to say', () => {
  assert.deepEqual(compare(recorded, { read: 105_000, write: 1_900 }), { over: [], lower: [] })
})

test('an operation that takes more is named with what was expected and found', () => {
  const { over, lower } = compare(recorded, { read: 105_001, write: 2_000 })
  assert.deepEqual(over, ['read takes 105,001 instructions, expected 100,000 (+5.0 %)'])
  assert.deepEqual(lower, [])
})

test('an operation that takes much less should be recorded again, and fails nothing', () => {
  const { over, lower } = compare(recorded, { read: 100_000, write: 1_000 })
  assert.deepEqual(over, [])
  assert.match(lower.join(), /^write takes only 1,000 instructions, recorded 2,000 \(-50\.0 %\): .*--record$/)
})

test('an operation that only one side knows fails', () => {
  const { over } = compare(recorded, { read: 100_000, seal: 5 })
  assert.match(over[0], /^write is recorded and no operation any more/)
  assert.match(over[1], /^seal has no recorded count/)
})

test('where callgrind is missing or counts other code, the reason is said', () => {
  assert.match(whyNotCounted({ hasValgrind: false, recorded }), /valgrind was not found/)
  assert.match(
    whyNotCounted({ hasValgrind: true, recorded, architecture: 'arm64' }),
    /recorded on x64 and this is arm64/,
  )
  assert.equal(whyNotCounted({ hasValgrind: true, recorded, architecture: 'x64' }), null)
  assert.equal(whyNotCounted({ hasValgrind: true, recorded: null }), null)
})
