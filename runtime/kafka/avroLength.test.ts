import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import type { Schema } from 'avsc'
import fc from 'fast-check'
import { AvroMalformed, walkOf } from './avroLength.ts'
import { TOPIC_NAMES, schemaTextOf } from './schemaText.ts'

const schemas = TOPIC_NAMES.map((topic) => {
  const schema = JSON.parse(schemaTextOf(topic)) as Schema
  return { topic, type: avsc.Type.forSchema(schema), walk: walkOf(schema) }
})

test('the walk over any value of our schemas ends where its bytes end', () => {
  for (const { topic, type, walk } of schemas) {
    for (let i = 0; i < 50; i++) {
      const bytes = type.toBuffer(type.random())
      assert.equal(walk(bytes, 0), bytes.length, topic)
      assert.throws(() => walk(bytes.subarray(0, -1), 0), AvroMalformed)
    }
  }
})

test('bytes that pass the walk are read in the same length, whatever they are', () => {
  fc.assert(
    fc.property(fc.constantFrom(...schemas), fc.uint8Array({ maxLength: 200 }), ({ type, walk }, random) => {
      const bytes = Buffer.from(random)
      let end: number
      try {
        end = walk(bytes, 0)
      } catch (error) {
        assert.ok(error instanceof AvroMalformed)
        return
      }
      let read: { offset: number }
      try {
        read = type.decode(bytes, 0)
      } catch (error) {
        // The walk knows nothing of the range of numbers.
        assert.match(String(error), /precision|invalid/)
        return
      }
      assert.equal(read.offset, end)
    }),
    { numRuns: 2_000 },
  )
})

test('a damaged value never takes long', () => {
  const { type, walk } = schemas.find(({ topic }) => topic === 'devops.ledger') ?? assert.fail()
  const bytes = type.toBuffer(type.random())
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = Buffer.from(bytes)
      damaged[at] = byte
      const began = performance.now()
      try {
        walk(damaged, 0)
      } catch {
        // Refused is fine too.
      }
      assert.ok(performance.now() - began < 1_000)
    }),
  )
})

test('counts and lengths beyond the bytes are refused', () => {
  const long = (n: bigint): Buffer => {
    const bytes: number[] = []
    for (let zigzag = (n << 1n) ^ (n >> 63n); ; zigzag >>= 7n) {
      if (zigzag < 128n) return Buffer.from([...bytes, Number(zigzag)])
      bytes.push(Number(zigzag & 127n) | 128)
    }
  }
  const array = walkOf({ type: 'array', items: 'null' })
  assert.throws(() => array(Buffer.concat([long(2n ** 50n), Buffer.from([0])]), 0), /count 1125899906842624/)
  assert.throws(() => array(Buffer.concat([long(-(2n ** 50n)), long(0n), Buffer.from([0])]), 0), /count/)
  assert.equal(array(Buffer.concat([long(-3n), long(0n), Buffer.from([0])]), 0), 3)
  assert.throws(() => walkOf('string')(long(2n ** 40n), 0), /length/)
  assert.throws(() => walkOf('bytes')(long(-5n), 0), /length -5/)
  assert.throws(() => walkOf(['null', 'int'])(long(2n), 0), /index 2 of 2/)
  assert.throws(() => walkOf('long')(Buffer.alloc(11, 0xff), 0), /longer than 10 bytes/)
})

test('schemas that hold themselves, and names with and without a namespace', () => {
  const tree = walkOf({
    type: 'record',
    name: 'Tree',
    namespace: 'a.b',
    fields: [
      { name: 'left', type: ['null', 'Tree'] },
      { name: 'right', type: ['null', 'a.b.Tree'] },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
      { name: 'again', type: 'Hash' },
    ],
  } as unknown as Schema)
  assert.equal(tree(Buffer.from([2, 0, 0, 1, 2, 3, 4, 0, 5, 6, 7, 8]), 0), 12)
})
