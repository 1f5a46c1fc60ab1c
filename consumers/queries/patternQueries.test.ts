import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import type { Pattern } from '../patterns/lifecycle.ts'
import { EMPTY_SET } from '../patterns/patternSet.ts'
import type { PatternSet } from '../patterns/patternSet.ts'
import { patternUnderTest } from '../patterns/rowsUnderTest.ts'
import { FINISHED, applyRun, askerOf, openState } from './stateUnderTest.ts'

const NOW = Date.parse('2026-03-02T00:00:00Z')
const HOUR_MS = 3_600_000
const SERVICE = 'production/checkout'

const state = openState()
after(() => {
  state.drop()
})
const change = {
  filesAdded: 1,
  filesDeleted: null,
  filesModified: 2,
  linesAdded: 30,
  linesDeleted: 4,
  srcFiles: 3,
  docFiles: 0,
  otherFiles: 0,
  dockerfileChanged: true,
  composeChanged: null,
  fileTypes: 'ts md',
}

/** A run of an hour ago times `i`; those that start before noon fail seldom. */
for (let i = 400; i > 0; i--) {
  const at = NOW - i * HOUR_MS
  const isEarly = new Date(at).getUTCHours() < 12
  const told = { trigger: 'push', actor: 'a1', pullRequest: false, change }
  applyRun(state, SERVICE, i, at, told)
  const conclusion = i === 1 ? 'cancelled' : (isEarly ? i % 20 === 0 : i % 2 === 0) ? 'failure' : 'success'
  applyRun(state, SERVICE, i, at + 60_000, { ...FINISHED, conclusion })
}

test('outcomes are told with what was known at the start, page by page, each once; what has no outcome is left out', () => {
  const ask = askerOf(state, NOW)
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: QueryOutput<'list_outcomes'> = ask('list_outcomes', {
      limit: 64,
      ...(cursor === null ? {} : { cursor }),
    })
    seen.push(...page.items.map(({ key }) => key))
    cursor = page.nextCursor
  } while (cursor !== null)
  assert.equal(seen.length, 399)
  assert.equal(new Set(seen).size, 399)
  const [item] = ask('list_outcomes', { service: SERVICE, limit: 2 }).items
  assert.ok(item !== undefined)
  assert.equal(item.startedAt, new Date(NOW - 2 * HOUR_MS).toISOString())
  assert.deepEqual(
    [item.subject, item.failed, item.attributes['hour'], item.attributes['lines_added']],
    ['deployment', true, 22, 30],
  )
  assert.deepEqual(item.attributes['file_types'], ['ts', 'md'])
  assert.deepEqual([item.attributes['pull_request'], item.attributes['compose_changed']], [false, null])
})

test('the best window is told with what it would have saved; few runs are not enough evidence', () => {
  const answer = askerOf(state, NOW)('best_window', { service: SERVICE })
  assert.deepEqual([answer.answerClass, answer.timeZone, answer.runs], ['confident', 'UTC', 399])
  const [best] = answer.windows
  assert.ok(best !== undefined && best.toHour <= 12 && best.saved.low > 0)
  const unknown = askerOf(state, NOW)('best_window', { service: SERVICE, subject: 'ci_run' })
  assert.deepEqual([unknown.answerClass, unknown.windows], ['not_enough_evidence', []])
})

const pattern = (id: string, scope: string, told: Partial<Pattern> = {}): Pattern =>
  patternUnderTest({ id, scope, firstSeen: NOW - HOUR_MS, lastSeen: NOW, ...told })

test('patterns are those of the service and of all, of one status, as later runs showed them', () => {
  const set: PatternSet = {
    ...EMPTY_SET,
    at: NOW,
    subjects: {
      ...EMPTY_SET.subjects,
      ci_run: {
        runs: 900,
        silhouette: 0.6,
        windows: {},
        patterns: [
          pattern('own', SERVICE, {
            predicate: [
              { field: 'hour', op: 'between', value: [8, 12] },
              { field: 'branch', op: '!=', value: 'main' },
            ],
          }),
          pattern('all', '*', { later: null }),
          pattern('other', 'production/cart'),
          pattern('gone', SERVICE, { status: 'expired' }),
        ],
        clusters: [
          {
            id: 'c',
            centroid: Float64Array.of(1),
            runs: ['a', 'b', 'c'],
            silhouette: 0.7,
            common: [{ field: 'workflow', value: 'w' }],
          },
        ],
      },
    },
  }
  const ask = askerOf(state, NOW, { patterns: () => set })
  const { patterns, clusters, freshThrough } = ask('find_patterns', { service: SERVICE })
  assert.deepEqual(
    patterns.map(({ id, effect, runs }) => [id, effect, runs]),
    [
      ['all', 0.2, 50],
      ['own', 0.15, 40],
    ],
  )
  assert.deepEqual([patterns[1]?.context, patterns[1]?.factor], ['hour from 8 to below 12', 'branch != main'])
  assert.deepEqual(
    [clusters[0]?.runs, clusters[0]?.common, freshThrough],
    [3, ['workflow w'], new Date(NOW).toISOString()],
  )
  assert.deepEqual(
    ask('find_patterns', { status: 'expired' }).patterns.map(({ id }) => id),
    ['gone'],
  )
  const before = askerOf(state, NOW)('find_patterns', {})
  assert.deepEqual([before.patterns, before.complete], [[], false])
})
