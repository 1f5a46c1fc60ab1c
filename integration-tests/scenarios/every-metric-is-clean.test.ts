/** `promtool check metrics` has nothing to say about any process, and the promised names are there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'

import { writeRequest } from '../benches/remoteWriteBody.ts'
import { findTool } from '../harness/tools.ts'
import { type Role, System, eventually } from '../harness/system.ts'

const promtool = findTool('promtool')
const SERVICE = 'production/payments'

let system: System
before(async () => {
  system = await System.start()
  await somethingHappens()
})
after(async () => {
  await system.stop()
})

const PROMISED: Readonly<Record<Role, readonly string[]>> = {
  gateway: [],
  consumer: [
    'devops_predictions_total',
    'devops_prediction_latency_seconds',
    'devops_deployments_total',
    'devops_deployment_success_rate',
    'devops_remediations_total',
    'devops_memory_pool_utilization_ratio',
  ],
  trainer: ['devops_model_accuracy', 'devops_prediction_success_rate', 'devops_patterns_discovered_total'],
  adapter: [],
}

/** Labelled families show nothing to lint before something happened. */
async function somethingHappens(): Promise<void> {
  const now = Date.now()
  const run = { type: 'deployment', service: SERVICE, subject: 'deployment', key: 'clean:1', branch: 'main' }
  const events = [
    { ...run, phase: 'started', occurredAt: now - 60_000 },
    { ...run, phase: 'finished', conclusion: 'success', occurredAt: now - 30_000 },
  ]
  const post = async (path: string, body: string | Buffer, headers = {}): Promise<number> =>
    (await system.post(path, body, headers)).status
  assert.equal(await post('/v1/events', JSON.stringify(events)), 202)
  assert.equal(await post('/v1/events', '{"type":"nothing"}'), 400)
  assert.equal(await post('/webhooks/github', '{}', { 'x-github-event': 'push' }), 401)
  const labels = {
    __name__: 'up',
    environment: 'production',
    instance: '10.0.0.7:9100',
    job: 'pay',
    service: 'payments',
  }
  const batch = writeRequest([{ labels, samples: [{ value: 1, timestamp: now }] }])
  const snappy = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
  assert.ok((await post('/api/v1/write', batch, snappy)) < 300)
  await eventually('the run is scored', async () => {
    const text = await (await fetch(`${system.process('trainer').url}/metrics`)).text()
    return /^devops_scored_predictions\{[^}]*model="deployment"[^}]*\} 1$/m.test(text) ? true : null
  })
  const ask = async (name: string, input: object): Promise<number> =>
    (
      await fetch(`${system.process('adapter').url}/api/v1/query/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(input),
      })
    ).status
  assert.equal(await ask('predict_deployment', { service: SERVICE }), 200)
  assert.equal(await ask('list_deployments', {}), 200)
  assert.equal(await ask('get_service', {}), 400)
}

for (const role of ['gateway', 'consumer', 'trainer', 'adapter'] as const) {
  test(`${role}: the promised names`, async () => {
    const text = await (await fetch(`${system.process(role).url}/metrics`)).text()
    for (const name of PROMISED[role]) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
    assert.match(text, /^# TYPE process_cpu_seconds_total counter/m)
  })
  test(
    `${role}: promtool`,
    { skip: promtool === null && 'no promtool on this machine (TEST_SETUP=full installs it)' },
    async () => {
      assert.ok(promtool !== null)
      const text = await (await fetch(`${system.process(role).url}/metrics`)).text()
      const done = spawnSync(promtool, ['check', 'metrics'], { input: text })
      assert.equal(done.stderr.toString() + done.stdout.toString(), '')
      assert.equal(done.status, 0)
    },
  )
}
