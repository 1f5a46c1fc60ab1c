import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { factorOf } from './condition.ts'
import { advance, idOf } from './lifecycle.ts'
import type { Pattern } from './lifecycle.ts'
import type { PatternRow } from './row.ts'
import { OPTIONS, atRun, before, madeRows } from './rowsUnderTest.ts'

const SERVICES = ['ci/a', 'ci/b']

/** Rounds after each of these runs. */
function course(
  rows: readonly PatternRow[],
  rounds: readonly number[],
  options = OPTIONS,
): readonly (readonly Pattern[])[] {
  let known: readonly Pattern[] = []
  return rounds.map((runs) => (known = advance(known, before(rows, runs), atRun(runs), options)))
}

const ofPulls = (patterns: readonly Pattern[]): readonly Pattern[] =>
  patterns.filter(({ predicate }) => predicate.some(({ field }) => field === 'pull_request'))

test('a planted pattern is a candidate first, confirmed by later runs alone, and keeps its id', () => {
  const rows = madeRows(11, SERVICES, 1000, ({ pull_request: isPull }) => (isPull ? 0.5 : 0.2))
  const [first, second, third] = course(rows, [500, 501, 800])
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  assert.ok(first.length > 0 && first.every(({ status, later }) => status === 'candidate' && later === null))
  // One more run of each tells nothing yet.
  assert.deepEqual(
    second.filter(({ id }) => first.some((known) => known.id === id)).map(({ status }) => status),
    first.map(() => 'candidate'),
  )
  const confirmed = third.filter(({ status }) => status === 'confirmed')
  assert.ok(confirmed.some(({ scope }) => scope === '*'))
  for (const pattern of confirmed) {
    assert.equal(pattern.id, idOf(pattern.scope, pattern.predicate))
    const tested = rows.filter(({ startedAt }) => startedAt > pattern.foundThrough && startedAt < atRun(800))
    assert.ok((pattern.later?.support ?? 0) <= tested.length)
    assert.ok(pattern.evidence < 0.05 && pattern.firstSeen <= pattern.lastSeen)
  }
})

test('the runs that found a pattern never test it: had they ended the other way, its tests would say the same', () => {
  const made = fc.record({
    seed: fc.nat(1000),
    effect: fc.double({ min: 0, max: 0.6, noNaN: true }),
    first: fc.integer({ min: 150, max: 300 }),
    more: fc.integer({ min: 0, max: 300 }),
  })
  let confirmed = 0
  fc.assert(
    fc.property(made, ({ seed, effect, first, more }) => {
      const rows = madeRows(seed, SERVICES, 600, ({ pull_request: isPull }) => 0.2 + (isPull ? effect : 0))
      const known = advance([], before(rows, first), atRun(first), OPTIONS)
      assert.ok(known.every(({ status, later }) => status === 'candidate' && later === null))
      const reversed = rows.map((row) => (row.startedAt < atRun(first) ? { ...row, failed: !row.failed } : row))
      // No room for new ones, which may take the place of an expired one.
      const tested = (all: readonly PatternRow[]) =>
        advance(known, before(all, first + more), atRun(first + more), { ...OPTIONS, patternsMax: 0 })
      const told = tested(rows)
      assert.deepEqual(tested(reversed), told)
      confirmed += told.filter(({ status }) => status === 'confirmed').length
      if (more === 0) assert.ok(told.every(({ status }) => status === 'candidate'))
    }),
    { numRuns: 30 },
  )
  assert.ok(confirmed > 0, 'nothing was ever confirmed')
})

test('it expires when later runs no longer show it, or when nothing has met it for a quarter of a year', () => {
  const rows = madeRows(12, SERVICES, 2000, ({ pull_request: isPull }, i) => (isPull && i < 800 ? 0.6 : 0.2))
  const rounds = course(rows, [400, 800, 1200, 1600, 2000])
  const confirmed = ofPulls(rounds[1] ?? []).filter(({ status }) => status === 'confirmed')
  assert.ok(confirmed.length > 0)
  for (const { id } of confirmed) {
    assert.ok(
      rounds.slice(2).some((known) => known.some((pattern) => pattern.id === id && pattern.status === 'expired')),
    )
  }
  const abandoned = advance(rounds[1] ?? [], before(rows, 800), atRun(800 + 24 * 91), { ...OPTIONS, patternsMax: 0 })
  assert.ok(abandoned.length > 0 && abandoned.every(({ status }) => status === 'expired'))
  const forgotten = advance(abandoned, [], atRun(800 + 24 * 200), OPTIONS)
  assert.deepEqual(forgotten, [])
})

test('living patterns hold their place: one for each scope and field through all rounds', () => {
  const rows = madeRows(
    13,
    SERVICES,
    900,
    ({ lines, branch }) => (lines > 100 ? 0.4 : 0.2) + (branch === 'fix' ? 0.2 : 0),
  )
  for (const known of course(rows, [300, 450, 600, 900])) {
    const slots = known
      .filter(({ status }) => status !== 'expired')
      .map((one) => `${one.scope} ${factorOf(one.predicate).field}`)
    assert.equal(new Set(slots).size, slots.length)
    assert.equal(new Set(known.map(({ id }) => id)).size, known.length)
  }
})

test('of noise, however often it is looked at, no more than the nominal share of courses confirms anything', () => {
  const seeds = 80
  let courses = 0
  let candidates = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const rows = madeRows(seed, ['ci/a'], 500, () => 0.3)
    const rounds = course(rows, [200, 300, 500], { ...OPTIONS, fields: OPTIONS.fields.slice(0, 3) })
    candidates += new Set(rounds.flat().map(({ id }) => id)).size
    if (rounds.flat().some(({ status }) => status === 'confirmed')) courses++
  }
  // 80 courses at 5 %: more than 9 in one case of a hundred.
  assert.ok(courses <= 9, `${courses} of ${seeds}`)
  assert.ok(candidates >= seeds / 2, 'without candidates nothing is tested')
})

test('of what is confirmed beside a true effect, no more than the nominal share is false', () => {
  let [held, wrong] = [0, 0]
  for (let seed = 1; seed <= 25; seed++) {
    const rows = madeRows(seed, SERVICES, 600, ({ pull_request: isPull }) => (isPull ? 0.45 : 0.2))
    for (const { status, predicate } of course(rows, [300, 600]).at(-1) ?? []) {
      if (status !== 'confirmed') continue
      if (factorOf(predicate).field === 'pull_request') held++
      else wrong++
    }
  }
  assert.ok(held >= 25, `${held} true ones`)
  // The share is held in the mean; three standard deviations of a count more.
  const nominal = 0.05 * (held + wrong)
  assert.ok(wrong <= nominal + 3 * Math.sqrt(nominal), `${wrong} of ${held + wrong}`)
})
