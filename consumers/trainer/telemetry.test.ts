import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { parse } from 'yaml'
import { createLog } from '../../runtime/telemetry/log.ts'
import { liveScores } from './liveScores.ts'
import { scoredRow } from './scoredRowUnderTest.ts'
import { createTrainerTelemetry } from './telemetry.ts'

test('demotions and rollbacks count by cause, from 0 on', async () => {
  const registry = new Registry()
  const telemetry = createTrainerTelemetry(registry, createLog('trainer', 'fatal'), ['ci_run'])
  const count = async (cause: string) => {
    const lines = (await registry.metrics()).split('\n')
    return lines.filter((line) => line.startsWith('devops_model_stage_changes_total') && line.includes(`"${cause}"`))
  }
  assert.deepEqual(await count('demoted'), [
    'devops_model_stage_changes_total{model="ci_run",stage="previous",cause="demoted"} 0',
  ])
  const rolledBack = await count('rolled_back')
  assert.deepEqual(
    rolledBack.map((line) => line.replace(/.*stage="(\w+)".* /, '$1 ')),
    ['champion 0', 'previous 0'],
    'to the version before, and to the base rate',
  )
  telemetry.staged('ci_run', 'a', 'previous', 'demoted', 'worse')
  telemetry.staged('ci_run', 'b', 'champion', 'rolled_back', 'by an operator')
  assert.match((await count('demoted'))[0] ?? '', / 1$/)
  assert.match((await count('rolled_back'))[0] ?? '', / 1$/)
})

test('the metrics are ones that Prometheus takes without a remark', async () => {
  const registry = new Registry()
  const telemetry = createTrainerTelemetry(registry, createLog('trainer', 'fatal'), ['ci_run'])
  const rows = Array.from({ length: 20 }, (_, i) => scoredRow(i))
  for (const scores of liveScores(rows, 20_000)) telemetry.scored('ci_run', scores)
  telemetry.drifted('ci_run', [{ group: 'time', index: 0.1, drifted: 0 }])
  const text = await registry.metrics()
  assert.match(text, /devops_model_input_drift{model="ci_run",feature_group="time"} 0\.1/)
  const value = (name: string) => Number(new RegExp(`^${name}\\{.*last_1000.*\\} (.*)$`, 'mu').exec(text)?.[1])
  const [low, bias, high] = ['_low', '', '_high'].map((end) => value(`devops_model_calibration_bias${end}`))
  // 13 of 20 succeeded, .7 was foretold of each.
  assert.ok(low !== undefined && bias !== undefined && high !== undefined)
  assert.ok(low < bias && Math.abs(bias - 0.05) < 1e-9 && bias < high, `${low} ${bias} ${high}`)
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  if (promtool.error === undefined) assert.equal(promtool.stdout + promtool.stderr, '')
})

test('the alert rules that ship rest on metrics that there are', async () => {
  const registry = new Registry()
  createTrainerTelemetry(registry, createLog('trainer', 'fatal'), [])
  const rules = parse(readFileSync(new URL('../../infra/prometheus/models.rules.yaml', import.meta.url), 'utf8')) as {
    groups: { rules: { expr: string }[] }[]
  }
  const expressions = rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr))
  assert.equal(expressions.length, 4)
  const known = (await registry.getMetricsAsJSON()).map(({ name }) => name)
  for (const expression of expressions) {
    for (const name of expression.match(/devops_\w+/g) ?? ['none']) assert.ok(known.includes(name), name)
  }
})
