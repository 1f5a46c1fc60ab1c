import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../models/random.ts'
import { factorOf } from './condition.ts'
import type { Pattern } from './lifecycle.ts'
import { EMPTY_SET } from './patternSet.ts'
import type { PatternSet, SubjectRow } from './patternSet.ts'
import { nextSet } from './patternRound.ts'
import type { PatternRow } from './row.ts'
import { withFailuresBefore } from './sequences.ts'

const HOUR_MS = 3_600_000
const PAYMENTS = 'production/payments'
const CHECKOUT = 'production/checkout'
const STAGED = 'staging/checkout'

interface Told {
  readonly service: string
  readonly hour: number
  readonly branch: string
  /** What became of the run of PAYMENTS an hour ago. */
  readonly paymentsFailed: boolean
}

/** A run of each service every hour for so many hours, PAYMENTS half an hour before the others. */
function runs(seed: number, hours: number, risk: (told: Told) => number): readonly SubjectRow[] {
  const random = createRandom(seed)
  const rows: SubjectRow[] = []
  for (let i = 0; i < hours; i++) {
    let paymentsFailed = false
    for (const service of [PAYMENTS, CHECKOUT, STAGED]) {
      const branch = random() < 0.5 ? 'main' : 'next'
      const hour = i % 24
      const failed: boolean = random() < risk({ service, hour, branch, paymentsFailed })
      if (service === PAYMENTS) paymentsFailed = failed
      const startedAt = i * HOUR_MS + (service === PAYMENTS ? 0 : HOUR_MS / 2)
      rows.push({
        id: `${service} ${i}`,
        subject: 'deployment',
        service,
        startedAt,
        finishedAt: startedAt + 60_000,
        failed,
        end: failed ? { conclusion: 'failure' } : { conclusion: 'success' },
        attributes: { hour, weekday: Math.floor(i / 24) % 7, branch },
      })
    }
  }
  return rows
}

function rounds(rows: readonly SubjectRow[], ends: readonly number[]): readonly PatternSet[] {
  let known = EMPTY_SET
  return ends.map((hours) => {
    const now = hours * HOUR_MS
    const heard = rows.filter(({ startedAt }) => startedAt < now)
    return (known = nextSet({ known, rows: heard, now, similarity: 0.85, runsMin: 100 }, 1))
  })
}

const confirmedOf = (set: PatternSet | undefined): readonly Pattern[] =>
  set?.subjects.deployment.patterns.filter(({ status }) => status === 'confirmed') ?? []

test('what fails after what, in which environment and at which hours is found and confirmed; a field that says nothing is not', () => {
  const rows = runs(21, 1400, ({ service, hour, paymentsFailed }) =>
    service === PAYMENTS ? 0.3 : (service === STAGED ? 0.3 : 0.05) + (paymentsFailed ? 0.3 : 0) + (hour < 8 ? 0.35 : 0),
  )
  const [first, second] = rounds(rows, [700, 1400])
  assert.deepEqual(confirmedOf(first), [])
  const confirmed = confirmedOf(second)
  const found = (scope: string, field: string) =>
    confirmed.find((one) => one.scope === scope && factorOf(one.predicate).field === field) ??
    assert.fail(`${field} of ${scope}`)
  assert.deepEqual(factorOf(found(CHECKOUT, 'failed_before').predicate).value, PAYMENTS)
  assert.ok((found(CHECKOUT, 'failed_before').later?.effect ?? 0) > 0.2)
  assert.ok(Math.abs(found('*/checkout', 'environment').later?.effect ?? 0) > 0.15)
  assert.ok(confirmed.some(({ predicate }) => factorOf(predicate).field === 'hour'))
  assert.ok(!confirmed.some(({ predicate }) => predicate.some(({ field }) => field === 'branch')))
  const windows = second?.subjects.deployment.windows ?? {}
  assert.ok((windows[CHECKOUT]?.[0]?.fromHour ?? 0) >= 8)
  assert.equal(windows[PAYMENTS], undefined)
})

test('of noise nothing is confirmed in more than the nominal share of courses', () => {
  const seeds = 20
  const told = Array.from({ length: seeds }, (_, i) => {
    const [, second, third] = rounds(
      runs(i + 1, 400, () => 0.3),
      [200, 300, 400],
    )
    return confirmedOf(second).length + confirmedOf(third).length
  })
  // Two families at 5 %: more than 5 of 20 courses in one case of two hundred.
  assert.ok(told.filter((count) => count > 0).length <= 5, String(told))
})

test('before a run only ends that were known count, the last of each service, within the hour', () => {
  const row = fc.record({
    service: fc.constantFrom('a', 'b', 'c'),
    gap: fc.integer({ min: 0, max: 60 }),
    lasts: fc.integer({ min: 0, max: 90 }),
    failed: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (made) => {
      let at = 0
      const rows = made.map(({ service, gap, lasts, failed }): PatternRow => {
        at += gap * 60_000
        return { service, startedAt: at, finishedAt: at + lasts * 60_000, failed, attributes: {} }
      })
      const told = withFailuresBefore(rows)
      rows.forEach(({ service, startedAt }, i) => {
        const expected = ['a', 'b', 'c'].filter((other) => {
          const ended = rows
            .filter((one) => one.service === other && one.finishedAt <= startedAt)
            .sort((x, y) => x.finishedAt - y.finishedAt)
            .at(-1)
          return other !== service && ended?.failed === true && startedAt - ended.finishedAt <= HOUR_MS
        })
        assert.deepEqual(told[i]?.attributes['failed_before'], expected)
      })
    }),
  )
})
