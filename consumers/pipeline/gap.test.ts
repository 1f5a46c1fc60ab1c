import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startOf } from './gap.ts'

const LONG = 100n
type Case = readonly [
  string,
  snapshot: bigint | null,
  committed: bigint,
  low: bigint,
  high: bigint,
  { from: bigint; replayUntil: bigint; gaps?: [bigint, bigint, boolean][] },
]

const cases: readonly Case[] = [
  ['new group, whole log', null, -1n, 0n, LONG, { from: 0n, replayUntil: 0n }],
  ['no snapshot, whole log', null, 9n, 0n, LONG, { from: 0n, replayUntil: 9n }],
  ['snapshot at the commit', 9n, 9n, 3n, LONG, { from: 9n, replayUntil: 9n }],
  ['snapshot before the commit', 5n, 9n, 3n, LONG, { from: 5n, replayUntil: 9n }],
  ['log cut after the snapshot', 2n, 9n, 3n, LONG, { from: 3n, replayUntil: 9n, gaps: [[2n, 3n, false]] }],
  ['no snapshot, log cut', null, 9n, 3n, LONG, { from: 3n, replayUntil: 9n, gaps: [[0n, 3n, false]] }],
  ['log cut past the commit', 5n, 9n, 12n, LONG, { from: 12n, replayUntil: 12n, gaps: [[5n, 12n, true]] }],
  ['commit at the end', 5n, 9n, 0n, 9n, { from: 5n, replayUntil: 9n }],
  ['tail lost after the snapshot', 5n, 9n, 0n, 7n, { from: 5n, replayUntil: 7n, gaps: [[7n, 9n, false]] }],
  ['made anew, a few records in it', null, 9n, 0n, 2n, { from: 0n, replayUntil: 2n, gaps: [[2n, 9n, false]] }],
  ['made anew, empty', null, 9n, 0n, 0n, { from: 0n, replayUntil: 0n, gaps: [[0n, 9n, false]] }],
]

for (const [name, snapshot, committed, low, high, { from, replayUntil, gaps = [] }] of cases) {
  test(name, () => {
    assert.deepEqual(startOf('t', snapshot, committed, { low, high }), {
      from,
      replayUntil,
      gaps: gaps.map(([start, to, neverApplied]) => ({ topic: 't', from: start, to, neverApplied })),
    })
  })
}

test('ticks are exempt', () => {
  const startOfClock = (low: bigint, high: bigint) => startOf('devops.ticks', 5n, 9n, { low, high })
  assert.deepEqual(startOfClock(12n, LONG), { from: 12n, replayUntil: 12n, gaps: [] })
  assert.deepEqual(startOfClock(0n, 3n), { from: 3n, replayUntil: 3n, gaps: [] })
})

test('reads within the log alone, never skips a kept record, and says so when one is gone', () => {
  const offset = fc.bigInt({ min: 0n, max: 20n })
  const input = [fc.option(offset), fc.bigInt({ min: -1n, max: 20n }), offset, offset] as const
  fc.assert(
    fc.property(...input, (snapshot, committed, one, other) => {
      const [low, high] = one < other ? [one, other] : [other, one]
      const limit = committed < 0n || committed > high ? high : committed
      const usable = snapshot !== null && snapshot <= limit ? snapshot : null
      const { from, replayUntil, gaps } = startOf('t', usable, committed, { low, high })
      assert.ok(low <= from && from <= replayUntil && replayUntil <= high)
      assert.equal(from === (usable ?? 0n), !gaps.some(({ to }) => to === low && from === low))
      assert.equal(
        committed > high,
        gaps.some((gap) => gap.from === high && gap.to === committed),
      )
      for (const gap of gaps) assert.ok(gap.from < gap.to)
    }),
  )
})
