import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createHttpTelemetry } from '../http/telemetry.ts'
import { createPublisherTelemetry } from '../kafka/telemetry.ts'
import { createLog } from './log.ts'
import { createRegistry, exportTargets } from './metrics.ts'

const log = createLog('test', 'silent')

async function exposition(): Promise<string> {
  const registry = createRegistry('test')
  exportTargets(registry, {
    deploymentPredictionLatency: 500,
    incidentDetectionLatency: 100,
    remediationExecutionTime: 5000,
    stateSyncLatency: 50,
  })
  createHttpTelemetry(registry, log).requestAnswered('GET', '/healthz', 200, 0.001)
  createPublisherTelemetry(registry, log).batchAcknowledged(1, 0.01)
  createPublisherTelemetry(registry, log).publishRejected('timeout')
  return registry.metrics()
}

test('names say what they are: counters end in _total, nothing else does, everything has a help text', async () => {
  const text = await exposition()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }))
  assert.ok(types.length > 20)
  for (const { name, type } of types) {
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    assert.doesNotMatch(name, /(_ms|_millis\w*|_minutes|_kb|_mb|_kib|_mib|_percent)$/, name)
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'))
  }
  assert.match(text, /devops_performance_target_seconds\{target="deployment_prediction_latency",process="test"\} 0\.5/)
  assert.match(text, /devops_kafka_published_records_total\{process="test"\} 1/)
})

const promtool = spawnSync('promtool', ['--version'])

test('promtool has nothing to say', { skip: promtool.error && 'promtool is not installed' }, async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await exposition(),
    encoding: 'utf8',
  })
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})
