import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../models/random.ts'
import { bestWindows } from './windows.ts'
import type { TimedRun } from './windows.ts'

function runs(seed: number, count: number, risk: (hour: number, weekday: number) => number): readonly TimedRun[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const [hour, weekday] = [random() * 24, Math.floor(random() * 7)]
    return { hour, weekday, failed: random() < risk(hour, weekday) }
  })
}

test('quiet hours are found, with the failures that they would save', () => {
  const found = bestWindows(runs(3, 1500, (hour) => (hour >= 8 && hour < 12 ? 0.05 : 0.4)))
  const [best, ...others] = found ?? []
  assert.ok(best !== undefined && best.fromHour <= 10 && best.toHour >= 10)
  assert.ok(best.failureShare < best.otherFailureShare)
  const { low, expected, high } = best.saved
  assert.ok(0 < low && low <= expected && expected <= high)
  const outside = 1500 - best.runs
  assert.ok(Math.abs(expected - outside * (best.otherFailureShare - best.failureShare)) < 1e-6)
  for (const other of others) assert.ok(other.toHour <= best.fromHour || best.toHour <= other.fromHour)
})

test('a bad day makes the other days a window', () => {
  const [best] = bestWindows(runs(4, 2000, (_, weekday) => (weekday === 4 ? 0.6 : 0.1))) ?? []
  assert.ok(best !== undefined && !best.weekdays.includes(4))
})

test('of noise at most the nominal share of services is given a window; few runs give none', () => {
  const seeds = 100
  const given = Array.from({ length: seeds }, (_, seed) => bestWindows(runs(seed + 1, 400, () => 0.3)) ?? [])
  // More than 11 of 100 at 5 %: less than one time in a hundred.
  assert.ok(given.filter((found) => found.length > 0).length <= 11)
  assert.equal(bestWindows(runs(1, 20, () => 0.3)), null)
})
