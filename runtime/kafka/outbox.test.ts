import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, takeBatch, topicBytesMax, type Job } from './outbox.ts'
import type { OutgoingRecord } from './port.ts'

const record = (topic: string, partition: number, bytes: number): OutgoingRecord => ({
  topic,
  partition,
  key: null,
  value: Buffer.alloc(bytes),
})

function jobOf(records: readonly OutgoingRecord[]): Job {
  const bytes = records.reduce((sum, each) => sum + bytesOf(each), 0)
  return { records, bytes, next: 0, unacknowledged: records.length, done: false, settle: () => undefined }
}

function drain(jobs: Job[]): OutgoingRecord[][] {
  const batches: OutgoingRecord[][] = []
  while (jobs.length > 0) batches.push(takeBatch(jobs).records.map((each) => each.record))
  return batches.filter((batch) => batch.length > 0)
}

test('models take 16 MiB records, the rest what Kafka takes', () => {
  assert.equal(topicBytesMax('devops.models'), 16 * 1024 ** 2 - 61)
  assert.equal(topicBytesMax('devops.ticks'), 1_048_588 - 61)
  assert.equal(topicBytesMax('toString'), 1_048_588 - 61)
})

test('nothing is lost, nothing twice, order kept, no partition over its limit', () => {
  const size = fc.oneof(fc.nat(2_000), fc.integer({ min: 300_000, max: 1_000_000 }))
  const jobs = fc.array(fc.array(fc.tuple(fc.nat(2), size), { minLength: 1, maxLength: 6 }), { maxLength: 8 })
  fc.assert(
    fc.property(jobs, (shapes) => {
      const all = shapes.map((shape) => shape.map(([partition, bytes]) => record('devops.ticks', partition, bytes)))
      const batches = drain(all.map(jobOf))
      assert.deepEqual(batches.flat(), all.flat())
      for (const batch of batches) {
        for (const partition of [0, 1, 2]) {
          const bytes = batch.filter((r) => r.partition === partition).reduce((sum, r) => sum + bytesOf(r), 0)
          assert.ok(bytes <= topicBytesMax('devops.ticks'))
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('a job that timed out is not sent', () => {
  const gone = jobOf([record('t', 0, 10), record('t', 1, 10)])
  gone.done = true
  const kept = jobOf([record('t', 2, 10)])
  assert.deepEqual(drain([gone, kept]), [kept.records])
  assert.deepEqual(drain([gone]), [])
})

test('bytes count key and headers', () => {
  const bare = record('t', 0, 10)
  assert.equal(bytesOf({ ...bare, key: 'äb' }) - bytesOf(bare), 3)
  assert.equal(bytesOf({ ...bare, headers: { name: 'ü' } }) - bytesOf(bare), 4 + 2 + 10)
  assert.equal(bytesOf({ ...bare, value: null }), bytesOf(bare) - 10)
})
