/**
 * What happened teaches what will be answered: from the outcomes of runs a model is learnt, it answers in the shadow, and once it has
 * beaten the base rate on later outcomes the next headline is its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createRandom } from '../../consumers/models/random.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { eventually, useSystem } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer'] })

const service = 'ci/shop'
const FIRST_AT = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000

/** One run in three is of a branch that mostly fails; the others mostly succeed. */
function runsOf(count: number, from: number) {
  const random = createRandom(from + 1)
  return Array.from({ length: count }, (_, i) => {
    const branch = random() < 1 / 3 ? 'shaky' : 'main'
    return { number: from + i, branch, fails: random() < (branch === 'shaky' ? 0.9 : 0.05) }
  })
}

type Run = ReturnType<typeof runsOf>[number]

const started = ({ number, branch }: Run) => ({
  type: 'deployment',
  service,
  phase: 'started',
  key: `shop/run/${number}`,
  branch,
  workflow: 'test',
  trigger: 'push',
  occurredAt: FIRST_AT + number * MINUTE_MS,
})
const finished = (run: Run) => ({
  ...started(run),
  phase: 'finished',
  conclusion: run.fails ? 'failure' : 'success',
  occurredAt: FIRST_AT + run.number * MINUTE_MS + MINUTE_MS / 2,
})

async function post(items: readonly object[]): Promise<void> {
  for (let i = 0; i < items.length; i += 100) {
    const answer = await system().post('/v1/events', JSON.stringify(items.slice(i, i + 100)))
    assert.equal(answer.status, 202, await answer.text())
  }
}

const lives = (runs: readonly Run[]) => runs.flatMap((run) => [started(run), finished(run)])

async function scoredRows(count: number) {
  return eventually(`${count} scored rows`, async () => {
    const rows = (await ledgerOf(system(), service)).filter(({ kind }) => kind === 'scored')
    return rows.length === count ? rows : null
  })
}

async function versionAt(stage: string): Promise<string> {
  return eventually(
    `a ${stage} of CI runs`,
    async () => {
      const { models } = (await system().query('get_health', {})) as {
        models: { model: string; stage: string; version: string }[]
      }
      return models.find((each) => each.model === 'ci_run' && each.stage === stage)?.version ?? null
    },
    90_000,
  )
}

test('outcomes teach a model, later outcomes promote it, the next headline names it', async () => {
  await post(lives(runsOf(160, 0)))
  const taught = await scoredRows(160)
  assert.ok(taught.every(({ modelVersion, challengerP }) => modelVersion === 'base-rate' && challengerP === null))

  await system().add('trainer')
  const challenger = await versionAt('challenger')
  await post(lives(runsOf(60, 160)))
  const judged = (await scoredRows(220)).filter(({ challengerVersion }) => challengerVersion === challenger)
  assert.equal(judged.length, 60, 'it answered each later run in the shadow')
  assert.ok(judged.every(({ modelVersion }) => modelVersion === 'base-rate'))

  assert.equal(await versionAt('champion'), challenger)
  const next = [
    { number: 220, branch: 'shaky', fails: true },
    { number: 221, branch: 'main', fails: false },
  ]
  await post(next.map(started))
  const headlines = await eventually('two more headlines', async () => {
    const entries = (await ledgerOf(system(), service)).filter(({ kind }) => kind === 'headline')
    return entries.length === 222 ? entries : null
  })
  const answerTo = ({ number }: Run) =>
    headlines.find(({ subjectKey }) => subjectKey === `events:shop/run/${number}`) ?? assert.fail(`no run ${number}`)
  const [shaky, main] = next.map(answerTo)
  assert.ok(shaky && main)
  assert.deepEqual([shaky.modelVersion, main.modelVersion], [challenger, challenger])
  assert.ok(shaky.pSuccess < 0.5 && main.pSuccess > 0.7, `${shaky.pSuccess} and ${main.pSuccess}`)
  assert.equal(main.answerClass, 'confident')
})
