import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { Registry } from 'prom-client'
import { parse } from 'yaml'
import { createLog } from '../runtime/telemetry/log.ts'
import { REGIONS } from '../rust-engine/ts/records.ts'
import { MemoryAlerts } from './memoryAlert.ts'
import { createMemoryTelemetry } from './memoryTelemetry.ts'
import { startMemoryWatch } from './memoryWatch.ts'
import { openState } from './queries/stateUnderTest.ts'
import type { State } from './queries/stateUnderTest.ts'

let state: State
before(() => {
  state = openState()
  const door = state.doorOf('production/shop')
  for (let n = 0; n < 200; n++) {
    const event = { occurredAt: n, source: 'test', service: 'production/shop', environment: 'production', key: `k${n}` }
    door.applyIncident(JSON.stringify({ ...event, phase: 'firing', title: 't', startsAt: n }), n)
  }
})

const registry = new Registry()
const alerts = new MemoryAlerts({ notice: 0.001, warning: 0.5, critical: 0.95 })
const telemetry = () => createMemoryTelemetry(registry, createLog('test', 'silent'), state.engine, alerts)

/** Name and labels of each sample, without what there is none of. */
async function samples(name: string): Promise<ReadonlyMap<string, number>> {
  const text = await registry.getSingleMetricAsString(name)
  const lines = text.split('\n').filter((line) => line.startsWith(name))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('the figures of the engine are told, and those of shards that went are not', async () => {
  const { alertChanged } = telemetry()
  alerts.update(state.engine.memory()).forEach(alertChanged)
  const { shard } = state.doorOf('production/shop')
  // Every shard once, and the one with the incidents to its end.
  for (let n = 0; n < 100; n++) state.engine.survey(256)
  const text = await registry.metrics()
  const report = state.engine.memory()
  for (const [i, region] of REGIONS.entries()) {
    assert.ok(text.includes(`devops_memory_used_bytes{region="${region}"} ${report.regions[i]?.usedBytes ?? ''}\n`))
  }
  const label = `{shard="${shard}",region="active_operations",component="incidents"}`
  const pages = (await samples('devops_memory_component_pages')).get(`devops_memory_component_pages${label}`) ?? 0
  const live = (await samples('devops_memory_component_live_bytes')).get(`devops_memory_component_live_bytes${label}`)
  assert.ok(pages > 4 && live !== undefined && live > 200 * 50 && live <= pages * 4096, `${pages} ${live ?? ''}`)
  const levels = await samples('devops_memory_alert_level')
  assert.equal(levels.get('devops_memory_alert_level{region="active_operations"}'), 1)
  assert.equal(levels.get('devops_memory_alert_level{region="incident_database"}'), 0)
  assert.equal(levels.size, REGIONS.length + 1)

  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  if (promtool.error === undefined) assert.equal(promtool.stdout + promtool.stderr, '')

  state.doorOf('production/shop').drop()
  assert.ok(!(await registry.metrics()).includes(`shard="${shard}"`))
})

test('the alert rules that ship rest on metrics that there are', async () => {
  const rules = parse(readFileSync(new URL('../infra/prometheus/memory.rules.yaml', import.meta.url), 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[]
  }
  const expressions = rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr))
  assert.equal(expressions.length, 3)
  const known = (await registry.getMetricsAsJSON()).map(({ name }) => name)
  for (const expression of expressions) {
    for (const name of expression.match(/devops_\w+/g) ?? ['none']) assert.ok(known.includes(name), name)
  }
})

test('the watch surveys, tells what changed and gives idle memory back', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const changes: string[] = []
  const calls = { survey: 0, released: 0 }
  const stop = startMemoryWatch({
    engine: {
      memory: () => state.engine.memory(),
      survey: (pages) => {
        calls.survey++
        return state.engine.survey(pages)
      },
      releaseIdle: () => 4096,
    },
    alerts: new MemoryAlerts({ notice: 0.000_001, warning: 0.5, critical: 0.95 }),
    onChange: ({ region, to }) => changes.push(`${region} ${to}`),
    onReleased: (bytes) => {
      calls.released += bytes
    },
  })
  context.mock.timers.tick(20_000)
  assert.deepEqual(calls, { survey: 200, released: 8192 })
  assert.deepEqual(changes, ['pool notice', 'active_operations notice'])
  stop()
  context.mock.timers.tick(60_000)
  assert.equal(calls.survey, 200)
})
