import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextInTurn } from './snapshotTurn.ts'

test('every live shard has its turn once a round, whatever the order they are held in', () => {
  const shards = fc.uniqueArray(fc.nat(11), { minLength: 1 })
  fc.assert(
    fc.property(shards, fc.integer({ min: -1, max: 11 }), (live, start) => {
      const seen: number[] = []
      let last = start
      for (let i = 0; i < live.length; i++) {
        last = nextInTurn(last, live) ?? -1
        seen.push(last)
      }
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        live.toSorted((a, b) => a - b),
      )
    }),
  )
  assert.equal(nextInTurn(3, []), null)
})
