/** What became of predictions is told by the scorecard, and told again by a consumer that was killed before any snapshot. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { deliver, deploymentCreated, deploymentStatus } from '../harness/github.ts'
import { eventually, useSystem } from '../harness/system.ts'

const system = useSystem({
  roles: ['gateway', 'consumer', 'adapter'],
  env: { DEVOPS_CONSUMER_SNAPSHOT_INTERVAL_SECONDS: '3600' },
})
type Scorecard = QueryOutput<'get_scorecard'>

const STATES = ['success', 'failure', 'success', 'inactive', 'success']
const REPOSITORIES = ['acme/search', 'acme/cart', 'acme/mail']
const at = Date.now() - 600_000
const window = { from: new Date(at - 60_000).toISOString(), to: new Date(at + 3_600_000).toISOString() }

async function scorecardOf(what: object = {}): Promise<Scorecard> {
  const answer = await fetch(`${system().process('adapter').url}/api/v1/query/get_scorecard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...window, ...what }),
  })
  assert.equal(answer.status, 200)
  return (await answer.json()) as Scorecard
}

const told = ({ outcomes, failures, scores, flagging }: Scorecard) => ({ outcomes, failures, scores, flagging })

test('a scorecard outlives a kill', async () => {
  for (const [r, repository] of REPOSITORIES.entries()) {
    for (const [i, state] of STATES.entries()) {
      const options = { repository, id: r * 100 + i, at: at + i * 60_000 }
      await deliver(system(), deploymentCreated(options))
      await deliver(system(), deploymentStatus(options, state, r * 100 + i, options.at + 30_000))
    }
  }
  const before = await eventually('all outcomes are scored', async () => {
    const card = await scorecardOf()
    return card.outcomes === REPOSITORIES.length * 4 ? card : null
  })
  assert.deepEqual([before.failures, before.complete, before.byModel], [REPOSITORIES.length, true, 0])
  const one = await scorecardOf({ service: 'production/unassigned:acme/cart' })
  assert.deepEqual([one.outcomes, one.failures], [4, 1])
  assert.equal((await scorecardOf({ source: 'backfilled' })).outcomes, 0)

  const { url } = system().process('consumer')
  await system().process('consumer').kill()
  // At its old address, which is the adapter's only seed.
  await system()
    .spawn('consumer', 'consumer-again', Number(new URL(url).port))
    .ready()
  const after = await eventually('the scorecard is back', async () => {
    const card = await scorecardOf().catch(() => null)
    return card !== null && card.complete && card.outcomes === before.outcomes ? card : null
  })
  assert.deepEqual(told(after), told(before))
})
