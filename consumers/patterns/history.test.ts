import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withHistory } from './history.ts'
import type { PatternRow } from './row.ts'

const runs = fc.array(
  fc.record({
    service: fc.constantFrom('ci/a', 'ci/b'),
    gap: fc.nat(5),
    lasts: fc.nat(20),
    failed: fc.boolean(),
    branch: fc.constantFrom('main', 'next', null),
  }),
  { maxLength: 60 },
)

test('history fields are those of a plain search among the runs that had ended', () => {
  fc.assert(
    fc.property(runs, (made) => {
      let at = 0
      const rows = made.map(({ service, gap, lasts, failed, branch }): PatternRow => {
        at += gap * 1000
        return { service, startedAt: at, finishedAt: at + lasts * 1000, failed, attributes: { branch } }
      })
      const told = withHistory(rows)
      rows.forEach((row, i) => {
        const earlier = rows.slice(0, i).filter(({ service }) => service === row.service)
        // Stable: of equal ends the one that started first.
        const known = earlier
          .filter(({ finishedAt }) => finishedAt <= row.startedAt)
          .sort((a, b) => a.finishedAt - b.finishedAt)
          .map(({ failed, attributes }) => ({ failed: failed ? 1 : 0, branch: attributes['branch'] }))
        const [last, previous] = [known.at(-1), known.at(-2)]
        const recent = known.slice(-20)
        const mean = recent.reduce((sum, { failed }) => sum + failed, 0) / recent.length
        const branch = row.attributes['branch']
        const ofBranch = branch === null ? [] : known.filter((run) => run.branch === branch)
        const start = earlier.at(-1)?.startedAt
        assert.deepEqual(told[i]?.attributes, {
          branch,
          gap_s: start === undefined ? null : (row.startedAt - start) / 1000,
          prev_failed: last?.failed ?? null,
          prev2_failed: last === undefined || previous === undefined ? null : last.failed * previous.failed,
          fail_rate_20: known.length < 5 ? null : mean,
          branch_prev_failed: ofBranch.at(-1)?.failed ?? null,
          actor_prev_failed: null,
        })
      })
    }),
  )
})
