/**
 * `check` stops a pipeline by what the running system answers: passed, too risky, no evidence, nobody there. It asks with the features
 * that the deployment has once it starts, its actor among them.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { ledgerOf } from '../harness/ledger.ts'
import { eventually, useSystem } from '../harness/system.ts'

const system = useSystem({
  roles: ['gateway', 'consumer', 'adapter'],
  env: { DEVOPS_LEARNING_TRAINING_MIN_SAMPLES: '20' },
})
const COMMAND = fileURLToPath(new URL('../../adapters/cli/devops-mcp-server.mjs', import.meta.url))

const service = 'production/shop'
const DEPLOYMENTS = 40
const MINUTE_MS = 60_000
const traits = { branch: 'main', workflow: 'deploy', trigger: 'push', pullRequest: false, actor: 'octocat' }

interface Answer {
  readonly code: number | null
  readonly told: {
    readonly verdict: string
    readonly pFailure: number | null
    readonly prediction: { readonly answerClass: string } | null
  }
}

async function check(of: string, failAbove: number, ...more: readonly string[]): Promise<Answer> {
  const { url } = system().process('adapter')
  const args = ['--service', of, '--fail-above', String(failAbove), '--no-git', '--json', '--wait-seconds', '5']
  const child = spawn(process.execPath, [COMMAND, 'check', ...args, ...more], {
    env: { PATH: process.env['PATH'] ?? '', DEVOPS_MCP_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, told: JSON.parse(out) as Answer['told'] }
}

const started = (number: number, at: number) => ({
  type: 'deployment',
  service,
  key: `shop/${String(number)}`,
  phase: 'started',
  ...traits,
  occurredAt: at,
})

async function post(items: readonly object[]): Promise<void> {
  const answer = await system().post('/v1/events', JSON.stringify(items))
  assert.equal(answer.status, 202, await answer.text())
}

const entriesOf = async (kind: string) => (await ledgerOf(system(), service)).filter((entry) => entry.kind === kind)

test('a check gates a pipeline', async () => {
  const now = Math.floor(Date.now() / 1000) * 1000
  const first = now - (DEPLOYMENTS + 1) * MINUTE_MS
  const lives = Array.from({ length: DEPLOYMENTS }, (_, i) => {
    const begin = started(i, first + i * MINUTE_MS)
    // Every fourth fails.
    const conclusion = i % 4 === 3 ? 'failure' : 'success'
    return [begin, { ...begin, phase: 'finished', conclusion, occurredAt: begin.occurredAt + MINUTE_MS / 2 }]
  })
  await post(lives.flat())
  await eventually('all outcomes are scored', async () =>
    (await entriesOf('scored')).length === DEPLOYMENTS ? true : null,
  )

  const passed = await check(service, 0.5)
  assert.deepEqual([passed.code, passed.told.verdict], [0, 'pass'])
  const { pFailure } = passed.told
  assert.ok(pFailure !== null && pFailure > 0.15 && pFailure < 0.35, String(pFailure))
  const risky = await check(service, 0.1)
  assert.deepEqual([risky.code, risky.told.verdict], [1, 'risk'])
  const alias = await check('prod/shop', 0.5)
  assert.equal(alias.told.pFailure, pFailure, 'an environment goes by its alias too')

  const unknown = await check('production/nobody', 0.1)
  assert.deepEqual([unknown.code, unknown.told.verdict], [0, 'no_evidence'])
  assert.equal((await check('production/nobody', 0.1, '--on-no-evidence', 'fail')).code, 1)

  const asked = await eventually('three questions are in the ledger', async () => {
    const entries = await entriesOf('asked')
    return entries.length === 3 ? entries : null
  })
  const told = ['branch', 'workflow', 'trigger', 'actor'] as const
  const options = told.flatMap((trait) => [`--${trait}`, traits[trait]])
  const at = new Date(now).toISOString()
  assert.equal((await check(service, 0.5, ...options, '--no-pull-request', '--at', at)).code, 0)
  const [question, ...others] = await eventually('the question is in the ledger', async () => {
    const entries = await entriesOf('asked')
    const known = new Set(asked.map(({ predictionId }) => predictionId))
    const fresh = entries.filter(({ predictionId }) => !known.has(predictionId))
    return fresh.length > 0 ? fresh : null
  })
  assert.deepEqual(others, [])
  await post([started(DEPLOYMENTS, now)])
  const headline = await eventually('the deployment is foretold', async () => {
    const entries = await entriesOf('headline')
    return entries.find(({ subjectKey }) => subjectKey === `events:shop/${String(DEPLOYMENTS)}`) ?? null
  })
  assert.deepEqual(headline.features, question?.features, 'it was asked as what then started')

  await system().process('adapter').stop()
  const alone = await check(service, 0.5)
  assert.deepEqual([alone.code, alone.told.verdict, alone.told.prediction], [3, 'no_answer', null])
  assert.equal((await check(service, 0.5, '--on-unavailable', 'pass')).code, 0)
})
