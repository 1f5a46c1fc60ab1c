import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startOf } from './gap.ts'

const cases: [
  string,
  Parameters<typeof startOf>,
  { from: bigint; replayUntil: bigint; gap: boolean; never: boolean },
][] = [
  ['new group, whole log', ['t', null, -1n, 0n, false], { from: 0n, replayUntil: 0n, gap: false, never: false }],
  ['no snapshot, whole log', ['t', null, 9n, 0n, false], { from: 0n, replayUntil: 9n, gap: false, never: false }],
  ['snapshot at the commit', ['t', 9n, 9n, 3n, false], { from: 9n, replayUntil: 9n, gap: false, never: false }],
  ['snapshot before the commit', ['t', 5n, 9n, 3n, false], { from: 5n, replayUntil: 9n, gap: false, never: false }],
  ['log cut after the snapshot', ['t', 2n, 9n, 3n, false], { from: 3n, replayUntil: 9n, gap: true, never: false }],
  ['no snapshot, log cut', ['t', null, 9n, 3n, false], { from: 3n, replayUntil: 9n, gap: true, never: false }],
  ['log cut past the commit', ['t', 5n, 9n, 12n, false], { from: 12n, replayUntil: 12n, gap: true, never: true }],
  ['ticks are exempt', ['t', 5n, 9n, 12n, true], { from: 12n, replayUntil: 12n, gap: false, never: false }],
]

for (const [name, input, expected] of cases) {
  test(name, () => {
    const start = startOf(...input)
    assert.equal(start.from, expected.from)
    assert.equal(start.replayUntil, expected.replayUntil)
    assert.equal(start.gap !== null, expected.gap)
    assert.equal(start.gap?.neverApplied ?? false, expected.never)
  })
}

test('never reads before the log, never skips a kept record, and says so when one is gone', () => {
  const offset = fc.bigInt({ min: 0n, max: 20n })
  fc.assert(
    fc.property(fc.option(offset), fc.bigInt({ min: -1n, max: 20n }), offset, (snapshot, committed, low) => {
      const usable = snapshot !== null && snapshot <= (committed < 0n ? 0n : committed) ? snapshot : null
      const start = startOf('t', usable, committed, low, false)
      assert.ok(start.from >= low)
      assert.ok(start.replayUntil >= start.from)
      assert.equal(start.from === (usable ?? 0n), start.gap === null)
      if (start.gap !== null) assert.ok(start.gap.from < start.gap.to && start.gap.to === start.from)
    }),
  )
})
