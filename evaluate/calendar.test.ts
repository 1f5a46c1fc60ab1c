import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { localTime } from '../consumers/deployments/localTime.ts'
import { zeroMsOf } from './calendar.ts'
import { ciRunOf } from './ciRun.ts'

const rowAt = (ms: number, zero: number, seq: number) => {
  const { hour, weekday } = localTime(ms, 'UTC')
  const month = new Date(ms).getUTCMonth() + 1
  return ciRunOf({ project: 'p', seq, t_rel_s: (ms - zero) / 1000, hour: Math.floor(hour), dow: weekday, month })
}

test('hours and weekdays of runs come out as given: nearly all of many, and within the hour for a single one', () => {
  const start = fc.integer({ min: Date.UTC(2024, 0, 1) / 1000, max: Date.UTC(2025, 11, 31) / 1000 })
  const gaps = fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 30, maxLength: 60 })
  fc.assert(
    fc.property(start, gaps, (startS, between) => {
      const zero = startS * 1000
      let at = zero
      const runs = between.map((gap, i) => rowAt((at += gap * 1000), zero, i))
      const found = zeroMsOf(runs)
      const off = runs.filter((run) => {
        const local = localTime(found + run.startS * 1000, 'UTC')
        return Math.floor(local.hour) !== run.hour || local.weekday !== run.weekday
      })
      assert.ok(off.length <= runs.length * 0.1, `${off.length} of ${runs.length}`)
      const [first] = runs
      assert.ok(first)
      const alone = localTime(zeroMsOf([first]) + first.startS * 1000, 'UTC')
      assert.equal(Math.floor(alone.hour), first.hour)
      assert.equal(alone.weekday, first.weekday)
    }),
  )
})
