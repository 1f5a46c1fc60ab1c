/** A GitHub deployment becomes a headline prediction, its outcome a scored row, and both can be asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { deliver, deploymentCreated, deploymentStatus } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { GITHUB_SECRET, useSystem, eventually } from '../harness/system.ts'

const system = useSystem()

const service = 'production/checkout'

interface Listed {
  readonly items: readonly {
    readonly key: string
    readonly state: string
    readonly conclusion: string | null
    readonly service: string
  }[]
}

async function deployOnce(id: number, states: readonly string[]): Promise<void> {
  const at = Date.now() - 60_000
  const options = { repository: 'acme/checkout', id, at }
  assert.equal((await deliver(system(), deploymentCreated(options))).status, 202)
  for (const [i, state] of states.entries()) {
    const answer = await deliver(system(), deploymentStatus(options, state, id * 10 + i, at + (i + 1) * 10_000))
    assert.equal(answer.status, 202)
  }
}

test('a deployment is visible, predicted and scored', async () => {
  await deployOnce(1001, ['in_progress', 'success'])
  const listed = await eventually('the deployment is finished', async () => {
    const page = (await system().query('list_deployments', { service })) as Listed
    return page.items.some((d) => d.state === 'finished') ? page : null
  })
  assert.deepEqual(
    listed.items.map((d) => [d.key, d.state, d.conclusion]),
    [['github:acme/checkout/deployment/1001', 'finished', 'success']],
  )

  const entries = await eventually('a headline and a scored row', async () => {
    const rows = await ledgerOf(system(), service)
    return rows.length >= 2 ? rows : null
  })
  assert.deepEqual(entries.map((e) => e.kind).sort(), ['headline', 'scored'])
  const headline = entries.find((e) => e.kind === 'headline')
  const scored = entries.find((e) => e.kind === 'scored')
  assert.ok(headline && scored)
  assert.equal(headline.predictionId, scored.predictionId)
  assert.equal(scored.success, true)
  assert.equal(scored.durationSeconds, 10, 'from in_progress to success')
  assert.deepEqual(scored.features, headline.features, 'the scored row repeats the features')
  assert.equal(scored.pSuccess, headline.pSuccess)
  assert.equal(headline.modelVersion, 'base-rate', 'there is no model yet')
  assert.equal(headline.answerClass, 'not_enough_evidence')
})

test('failure and error are failures, inactive is none', async () => {
  await deployOnce(1002, ['in_progress', 'failure'])
  await deployOnce(1003, ['in_progress', 'success', 'inactive'])
  await deployOnce(1004, ['error'])
  const rows = await eventually('four outcomes', async () => {
    const scored = (await ledgerOf(system(), service)).filter((e) => e.kind === 'scored')
    return scored.length >= 4 ? scored : null
  })
  const bySubject = new Map(rows.map((e) => [e.subjectKey.split('/').at(-1), e.success]))
  assert.deepEqual(Object.fromEntries(bySubject), { 1001: true, 1002: false, 1003: true, 1004: false })
})

test('the trainer shows the live score', async () => {
  await eventually('devops_model_accuracy is exported', async () => {
    const text = await (await fetch(`${system().process('trainer').url}/metrics`)).text()
    return /^devops_model_accuracy\{[^}]*model="deployment"[^}]*\} /m.test(text) ? true : null
  })
})

test('a delivery with a wrong signature is refused and changes nothing', async () => {
  const body = JSON.stringify(deploymentCreated({ repository: 'acme/forged', id: 1, at: Date.now() }).payload)
  const answer = await system().post('/webhooks/github', body, {
    'x-github-event': 'deployment',
    'x-github-delivery': 'd',
    'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
  })
  assert.equal(answer.status, 401)
  assert.ok(!(await answer.text()).includes(GITHUB_SECRET))
  const page = (await system().query('list_deployments', { service: 'production/forged' })) as Listed
  assert.deepEqual(page.items, [])
})
