import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf } from '../../runtime/kafka/outbox.ts'
import type { OutgoingRecord } from '../../runtime/kafka/port.ts'
import { partsOf } from './partsOf.ts'

const record = (bytes: number): OutgoingRecord => ({ topic: 't', partition: 0, key: null, value: Buffer.alloc(bytes) })

test('all records in their order, no part larger than allowed, no more parts than it takes', () => {
  const input = [fc.array(fc.nat(300)), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1_000 })] as const
  fc.assert(
    fc.property(...input, (sizes, recordsMax, bytesMax) => {
      const records = sizes.map(record)
      const parts = partsOf(records, recordsMax, bytesMax)
      assert.deepEqual(parts.flat(), records)
      const bytes = (part: readonly OutgoingRecord[]) => part.reduce((sum, each) => sum + bytesOf(each), 0)
      for (const [index, part] of parts.entries()) {
        assert.ok(part.length > 0 && part.length <= recordsMax)
        assert.ok(part.length === 1 || bytes(part) <= bytesMax)
        const next = parts[index + 1]?.[0]
        if (next !== undefined) assert.ok(part.length === recordsMax || bytes([...part, next]) > bytesMax)
      }
    }),
  )
})
