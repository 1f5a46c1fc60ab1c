import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OutgoingRecord } from './port.ts'
import { chunks } from './transactor.ts'
import { isFencing, isType } from './transactorErrors.ts'

const SEND_BYTES_MAX = 512 * 1024

test('records are cut into sends that the broker takes, in order, none left out', () => {
  const sizes = fc.array(fc.oneof(fc.nat(2000), fc.nat(900_000)), { maxLength: 30 })
  fc.assert(
    fc.property(sizes, (bytes) => {
      const records: OutgoingRecord[] = bytes.map((size, i) => ({
        topic: 't',
        partition: 0,
        key: String(i),
        value: Buffer.alloc(size),
      }))
      const cut = [...chunks(records)]
      assert.deepEqual(cut.flat(), records)
      for (const chunk of cut) {
        const size = chunk.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
        assert.ok(chunk.length === 1 || size <= SEND_BYTES_MAX)
      }
    }),
    { numRuns: 50 },
  )
})

test('a fence is known at any depth of the causes, by its type or by its number alone', () => {
  const protocol = (type: string, message = ''): Error => Object.assign(new Error(message), { type })
  const retried = (cause: Error): Error => new Error('retries exceeded', { cause })
  assert.ok(isFencing(protocol('INVALID_PRODUCER_EPOCH')))
  assert.ok(isFencing(retried(retried(protocol('INVALID_PRODUCER_EPOCH')))))
  assert.ok(isFencing(protocol('KAFKAJS_UNKNOWN_ERROR_CODE', 'Unknown error code 90')))
  assert.ok(!isFencing(protocol('KAFKAJS_UNKNOWN_ERROR_CODE', 'Unknown error code 901')))
  assert.ok(!isFencing(protocol('CONCURRENT_TRANSACTIONS')))
  assert.ok(isType(retried(protocol('CONCURRENT_TRANSACTIONS')), 'CONCURRENT_TRANSACTIONS'))
  assert.ok(!isFencing(new Error('socket hang up')))
  assert.ok(!isFencing(undefined))
})
