/** The scorecard of a consumer with the real engine: events through the handler, as asked of the query API. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'
import { sumOfCounts } from '../../schemas/scores/scorecard.ts'
import { scoreAskerOf, contextOf, openState, viewOf } from './stateUnderTest.ts'
import { answer } from './routes.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const DAY_MS = 86_400_000
const state = openState()
after(() => {
  state.drop()
})
const ask = scoreAskerOf(state, NOW)

interface Told {
  readonly p?: number
  readonly success?: number
  readonly daysAgo?: number
  readonly subject?: 'deployment' | 'ci_run'
  readonly backfilled?: number
}
let told = 0
function score(service: string, { p = 0.9, success = 1, daysAgo = 1, subject = 'deployment', backfilled = 0 }: Told) {
  const fields = [NOW - daysAgo * DAY_MS, p, 0.8, success, 0, 40, 60, 90, 66, 1, backfilled]
  state.doorOf(service).scoreAdd(service, subject, `p${(told += 1)}`, Float64Array.from(fields))
}

const isEven = (service: string) => partitionOf(service) % 2 === 0
const elsewhere = Array.from({ length: 50 }, (_, i) => `staging/s${i}`).find(
  (name) => isEven(name) !== isEven('production/shop'),
)
const services = ['production/shop', 'production/cart', elsewhere ?? '']
for (const service of services) {
  for (let i = 0; i < 9; i++) score(service, { success: 1 })
  score(service, { p: 0.2, success: 0 })
  score(service, { p: 0.3, success: 1 })
  score(service, { success: NaN })
}
score('production/shop', { daysAgo: 100, success: 0 })
score('production/shop', { backfilled: 1, success: 0 })
score('production/shop', { subject: 'ci_run', success: 0 })

const figure = (card: QueryOutput<'get_scorecard'>, name: string) => card.scores.find(({ score: one }) => one === name)

test('a service, all services, another subject, history and another window have each their own scorecard', async () => {
  const counts = async (input: object) => {
    const { outcomes, failures, censored } = await ask('get_scorecard', input)
    return [outcomes, failures, censored]
  }
  assert.deepEqual(await counts({}), [33, 3, 3])
  assert.deepEqual(await counts({ service: 'production/shop' }), [11, 1, 1])
  assert.deepEqual(await counts({ subject: 'ci_run' }), [1, 1, 0])
  assert.deepEqual(await counts({ source: 'backfilled' }), [1, 1, 0])
  assert.deepEqual(await counts({ days: 200 }), [34, 4, 3])
  assert.deepEqual(await counts({ service: 'production/nobody' }), [0, 0, 0])
  const to = new Date(NOW - 50 * DAY_MS).toISOString()
  assert.deepEqual(await counts({ to }), [1, 1, 0])
})

test('figures are those of the rows', async () => {
  const card = await ask('get_scorecard', { service: 'production/shop' })
  assert.deepEqual(card.flagging[0], { rule: 'p_failure >= 0.5', flagged: 2, caught: 1, falseAlarms: 1 })
  assert.deepEqual([figure(card, 'accuracy')?.value, figure(card, 'recall')?.value], [0.9091, 1])
  assert.deepEqual([figure(card, 'auc')?.value, figure(card, 'auc')?.baseRate], [1, 0.5])
  assert.deepEqual([figure(card, 'duration_coverage')?.value, figure(card, 'confident_coverage')?.value], [1, 1])
  assert.ok(Math.abs((figure(card, 'duration_mdape')?.value ?? 0) - 1 / 11) < 0.001)
  assert.equal(card.complete, true)
})

test('counts of two consumers that share the shards add up to those of one', async () => {
  const halves = await Promise.all(
    [0, 1].map(async (half) => {
      const shards = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => shard % 2 === half)
      const context = contextOf(state, NOW, { shards: () => shards.map((shard) => viewOf(state, shard, NOW)) })
      return (await answer('count_scores', {}, context)) as QueryOutput<'count_scores'>
    }),
  )
  assert.ok(halves.every((half) => half.counts.outcomes > 0))
  const { counts } = await ask('count_scores', {})
  const sum = sumOfCounts(halves.map((half) => half.counts))
  assert.deepEqual([sum.outcomes, sum.answer.flagged, sum.answer.bins.length], [33, 6, counts.answer.bins.length])
  assert.deepEqual(
    sum.answer.bins.map(([bin, rows, successes]) => [bin, rows, successes]),
    counts.answer.bins.map(([bin, rows, successes]) => [bin, rows, successes]),
  )
})

test('a window that ends before it begins is refused', async () => {
  await assert.rejects(async () => ask('get_scorecard', { from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }))
})

test('what was dropped makes a window that needs it incomplete', async () => {
  const until = NOW - 10 * DAY_MS
  state.doors[partitionOf('production/cart')]?.noteGap(['deployment_scores'], until)
  const [wide, narrow, runs] = [{}, { days: 9 }, { subject: 'ci_run' }]
  assert.equal((await ask('get_scorecard', wide)).complete, false)
  assert.equal((await ask('get_scorecard', narrow)).complete, true)
  assert.equal((await ask('get_scorecard', runs)).complete, true)
})
