/** `promtool check metrics` has nothing to say about any process, and the promised names are there. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

import { findTool } from '../harness/tools.ts'
import { type Role, useSystem } from '../harness/system.ts'

const promtool = findTool('promtool')

const system = useSystem()

const PROMISED: Readonly<Record<Role, readonly string[]>> = {
  gateway: [],
  consumer: [
    'devops_predictions_total',
    'devops_prediction_latency_seconds',
    'devops_deployments_total',
    'devops_deployment_success_rate',
    'devops_remediations_total',
    'devops_memory_pool_utilization_ratio',
    'devops_patterns_discovered_total',
  ],
  trainer: ['devops_model_accuracy', 'devops_prediction_success_rate'],
  adapter: [],
}

for (const role of ['gateway', 'consumer', 'trainer', 'adapter'] as const) {
  test(`${role}: the promised names`, async () => {
    const text = await (await fetch(`${system().process(role).url}/metrics`)).text()
    for (const name of PROMISED[role]) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
    assert.match(text, /^# TYPE process_cpu_seconds_total counter/m)
  })
  test(
    `${role}: promtool`,
    { skip: promtool === null && 'no promtool on this machine (TEST_SETUP=full installs it)' },
    async () => {
      assert.ok(promtool !== null)
      const text = await (await fetch(`${system().process(role).url}/metrics`)).text()
      const done = spawnSync(promtool, ['check', 'metrics'], { input: text })
      assert.equal(done.stderr.toString() + done.stdout.toString(), '')
      assert.equal(done.status, 0)
    },
  )
}
