/**
 * History that was given a quiet window, a sequence and a field that says nothing: what goes with failures is a candidate first, and
 * confirmed by runs that come later; the field that says nothing is not. The best window is the quiet one, with the failures it saves.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createRandom } from '../../consumers/models/random.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { eventually, useSystem } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer', 'adapter'] })

const PAYMENTS = 'production/payments'
const CHECKOUT = 'production/checkout'
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const DAY_MS = 24 * HOUR_MS
const HOURS = 1200
/** Midnight, so that hours are those of the day. */
const FIRST_AT = Math.floor(Date.now() / DAY_MS) * DAY_MS - HOURS * HOUR_MS
const QUIET = { fromHour: 8, toHour: 12 }

interface Run {
  readonly service: string
  readonly at: number
  readonly branch: string
  readonly failed: boolean
}

/** Every hour payments, and half an hour later checkout: it fails after payments did, and seldom in the quiet window. */
function runs(): readonly Run[] {
  const random = createRandom(7)
  return Array.from({ length: HOURS }, (_, i) => {
    const at = FIRST_AT + i * HOUR_MS
    const isQuiet = QUIET.fromHour <= i % 24 && i % 24 < QUIET.toHour
    const branch = () => (random() < 0.5 ? 'main' : 'next')
    const before = { service: PAYMENTS, at, branch: branch(), failed: random() < 0.3 }
    const risk = isQuiet ? 0.02 : before.failed ? 0.8 : 0.3
    return [before, { service: CHECKOUT, at: at + 30 * MINUTE_MS, branch: branch(), failed: random() < risk }]
  }).flat()
}

const lives = (run: Run): readonly object[] => {
  const told = {
    type: 'deployment',
    service: run.service,
    key: `${run.service}/${run.at}`,
    branch: run.branch,
    workflow: 'deploy',
    trigger: 'push',
  }
  return [
    { ...told, phase: 'started', occurredAt: run.at },
    {
      ...told,
      phase: 'finished',
      conclusion: run.failed ? 'failure' : 'success',
      occurredAt: run.at + 5 * MINUTE_MS,
    },
  ]
}

async function post(some: readonly Run[]): Promise<void> {
  const events = some.flatMap(lives)
  for (let i = 0; i < events.length; i += 100) {
    const answer = await system().post('/v1/events', JSON.stringify(events.slice(i, i + 100)))
    assert.equal(answer.status, 202, await answer.text())
  }
}

async function ask<Answer>(name: string, input: object): Promise<Answer> {
  const answer = await fetch(`${system().process('adapter').url}/api/v1/query/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  assert.equal(answer.status, 200)
  return (await answer.json()) as Answer
}

type Pattern = QueryOutput<'find_patterns'>['patterns'][number]

async function patterns(status: string): Promise<readonly Pattern[]> {
  const { patterns: found } = await ask<QueryOutput<'find_patterns'>>('find_patterns', { status, service: CHECKOUT })
  return found
}

const isSequence = ({ scope, factor }: Pattern) => scope === CHECKOUT && factor === `failed_before contains ${PAYMENTS}`
const isOfHours = ({ factor }: Pattern) => factor.startsWith('hour ')

const outcomesOf = async (service: string): Promise<number> =>
  (await ask<QueryOutput<'best_window'>>('best_window', { service })).runs

async function counted(): Promise<number> {
  const text = await (await fetch(`${system().process('trainer').url}/metrics`)).text()
  const [, value] = /^devops_patterns_discovered_total(?:\{.*\})? (\d+)$/mu.exec(text) ?? []
  return Number(value ?? assert.fail('the trainer has no such metric'))
}

test('patterns are candidates, then confirmed by later runs alone, and counted; noise is not', async () => {
  const all = runs()
  await post(all.slice(0, HOURS))
  await eventually('the first half has ended', async () => ((await outcomesOf(CHECKOUT)) === HOURS / 2 ? true : null))
  await system().add('trainer', { DEVOPS_LEARNING_TRAINING_RETRAIN_INTERVAL: '20' })
  const candidates = await eventually(
    'candidates',
    async () => {
      const found = await patterns('candidate')
      return found.some(isSequence) && found.some(isOfHours) ? found : null
    },
    240_000,
  )
  assert.deepEqual(await patterns('confirmed'), [])
  assert.equal(await counted(), 0)

  await post(all.slice(HOURS))
  const confirmed = await eventually(
    'later runs confirm them',
    async () => {
      const found = await patterns('confirmed')
      return found.some(isSequence) && found.some(isOfHours) ? found : null
    },
    240_000,
  )
  for (const { id, effect, low, high, runs: support, p, firstSeen, lastSeen } of confirmed.filter(isSequence)) {
    assert.ok(
      candidates.some((candidate) => candidate.id === id),
      'the same pattern as before',
    )
    assert.ok(low > 0.05 && low <= effect && effect <= high, 'fails more after payments failed')
    assert.ok(support >= 15 && support <= HOURS / 2 && p < 0.05, 'by later runs alone')
    assert.ok(Date.parse(firstSeen) < FIRST_AT + (HOURS / 2) * HOUR_MS && Date.parse(lastSeen) > Date.parse(firstSeen))
  }
  assert.ok(
    confirmed.every(({ factor }) => !factor.startsWith('branch ')),
    'a field that says nothing',
  )
  const total = await counted()
  assert.ok(total >= confirmed.length, `${total} counted, ${confirmed.length} told`)

  const window = await eventually('all runs have ended', async () => {
    const answer = await ask<QueryOutput<'best_window'>>('best_window', { service: CHECKOUT })
    return answer.runs >= 1000 ? answer : null
  })
  const [best] = window.windows
  assert.ok(best !== undefined && window.answerClass === 'confident')
  assert.deepEqual({ fromHour: best.fromHour, toHour: best.toHour }, QUIET)
  assert.ok(best.failureShare < 0.1 && best.otherFailureShare > 0.3)
  assert.ok(best.saved.low > 100 && best.saved.expected < window.runs)
})
