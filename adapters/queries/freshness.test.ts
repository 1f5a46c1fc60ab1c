import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinFreshness } from './freshness.ts'

test('an answer of several owners is as current as the least and as whole as the least of them', () => {
  const part = (freshThrough: string | null, completeSince: string | null) => ({
    freshThrough,
    complete: true,
    incompleteReason: null,
    completeSince,
  })
  const [early, late] = ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z']
  const owned = { unownedShards: [] }
  assert.deepEqual(
    joinFreshness([part(late, early), part(early, late), part(late, null)], [], owned),
    part(early, late),
  )
  assert.deepEqual(joinFreshness([part(late, null), part(late, null)], [], owned), part(late, null))
  assert.equal(joinFreshness([part(null, null), part(late, null)], [], owned).freshThrough, null)
  const partly = joinFreshness([part(late, early)], [{ shards: [3], reason: 'is away' }], owned)
  assert.deepEqual([partly.complete, partly.incompleteReason], [false, 'shards 3: is away'])
})
