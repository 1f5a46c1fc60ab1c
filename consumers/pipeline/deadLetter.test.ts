import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { IncomingRecord } from '../../runtime/kafka/port.ts'
import { deadLetter } from './deadLetter.ts'

// message.max.bytes of the broker is 1 MiB; 32 KiB of it are left to the batch's own frame.
const LETTER_BYTES_MAX = 1024 * 1024 - 32 * 1024

const record = (over: Partial<IncomingRecord>): IncomingRecord => ({
  topic: 'devops.deployments',
  partition: 3,
  offset: 17n,
  at: 1,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: { a: 'b' },
  ...over,
})
const letterOf = (over: Partial<IncomingRecord>, detail = 'because') => {
  const { topic, value } = deadLetter(record(over), 'invalid', detail)
  assert.ok(topic === 'devops.dead-letters')
  return value
}

test('a record that fits is kept as it came', () => {
  const { key, value, headers, detail } = letterOf({})
  assert.deepEqual([key?.toString(), value?.toString(), headers, detail], ['k', 'v', { a: 'b' }, 'because'])
})

test('whatever is large about a record, its letter fits the broker and says what is left out', () => {
  const size = fc.oneof(fc.nat(2000), fc.nat(1_200_000))
  const sizes = fc.record({ key: size, value: size, detail: size, headers: fc.array(size, { maxLength: 5 }) })
  fc.assert(
    fc.property(sizes, fc.constantFrom('x', 'ü', '€'), (bytes, text) => {
      const headers = Object.fromEntries(bytes.headers.map((size, i) => [`h${i}`, text.repeat(size)]))
      const over = { key: Buffer.alloc(bytes.key), value: Buffer.alloc(bytes.value), headers }
      const letter = letterOf(over, text.repeat(bytes.detail))
      const texts = [letter.detail, ...Object.entries(letter.headers).flat()]
      const size = [letter.key, letter.value, ...texts].reduce((sum, one) => sum + Buffer.byteLength(one ?? ''), 0)
      assert.ok(size <= LETTER_BYTES_MAX, `${size} bytes`)
      assert.equal(letter.key === null, letter.detail.includes('key of'))
      assert.equal(letter.value === null, letter.detail.includes('value of'))
      assert.equal(
        Object.keys(letter.headers).length < bytes.headers.length,
        letter.detail.includes('headers left out'),
      )
    }),
    { numRuns: 60 },
  )
})
