import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compared, factorOf, meets } from './condition.ts'
import type { Condition } from './condition.ts'
import { Grid, bitsOf } from './grid.ts'
import { mine, tablesOf } from './mine.ts'
import { FIELDS, OPTIONS, madeRows } from './rowsUnderTest.ts'
import { effectOf, pOf } from './significance.ts'

const SERVICES = ['ci/a', 'ci/b', 'ci/c']

test('a mask has the bits of the rows that meet the condition, by service and period', () => {
  const rows = madeRows(3, SERVICES, 217, () => 0.3)
  const conditions: Condition[] = [
    { field: 'lines', op: '<=', value: 40 },
    { field: 'branch', op: '!=', value: 'main' },
    { field: 'file_types', op: 'contains', value: 'rs' },
    { field: 'hour', op: 'between', value: [8, 16] },
    { field: 'nothing', op: '==', value: 1 },
  ]
  fc.assert(
    fc.property(fc.constantFrom(...conditions), fc.integer({ min: 1, max: 12 }), (condition, periods) => {
      const grid = new Grid(rows, periods)
      for (const service of SERVICES) {
        const { from, cells } = grid.span(service)
        assert.equal(cells[0], from)
        const own = rows.filter((row) => row.service === service)
        const mask = grid.maskOf(condition)
        for (let period = 0; period < periods; period++) {
          const part = mask.subarray(cells[period], cells[period + 1])
          const first = Math.floor((own.length * period) / periods)
          const end = Math.floor((own.length * (period + 1)) / periods)
          assert.equal(
            part.reduce((sum, word) => sum + bitsOf(word), 0),
            own.slice(first, end).filter((row) => meets(condition, row)).length,
          )
        }
      }
    }),
  )
})

const PLANTED = madeRows(
  5,
  SERVICES,
  600,
  ({ pull_request: isPull, lines }, _, service) =>
    0.15 + (isPull ? 0.25 : 0) + (service === 'ci/a' && lines > 200 ? 0.4 : 0),
)

test('planted effects are found with the figures of a plain count', () => {
  const patterns = mine(PLANTED, OPTIONS)
  for (const { scope, predicate, support, p, effect, low, high } of patterns) {
    const { inside } = compared(scope, predicate, PLANTED)
    const { tables } = tablesOf(scope, predicate, PLANTED)
    assert.equal(support, inside.length)
    assert.equal(p, pOf(tables))
    assert.deepEqual({ effect, low, high }, effectOf(tables))
  }
  const field = (scope: string, name: string) =>
    patterns.find((pattern) => pattern.scope === scope && factorOf(pattern.predicate).field === name)
  for (const scope of ['*', ...SERVICES]) assert.ok(Math.abs(field(scope, 'pull_request')?.effect ?? 0) > 0.15, scope)
  assert.ok((field('ci/a', 'lines')?.effect ?? 0) !== 0)
})

test('of each scope and field there is one, of known fields only, and the same rows give the same', () => {
  const patterns = mine(PLANTED, OPTIONS)
  const slots = patterns.map(({ scope, predicate }) => `${scope} ${factorOf(predicate).field}`)
  assert.equal(new Set(slots).size, slots.length)
  assert.ok(
    patterns.every(({ predicate }) => predicate.every(({ field }) => FIELDS.some(({ name }) => name === field))),
  )
  assert.deepEqual(mine(PLANTED, OPTIONS), patterns)
  assert.equal(mine(PLANTED, { ...OPTIONS, patternsMax: 2 }).length, 2)
})

test('no rows or too few give no pattern', () => {
  assert.deepEqual(mine([], OPTIONS), [])
  assert.deepEqual(mine(PLANTED.slice(0, 12), OPTIONS), [])
})
