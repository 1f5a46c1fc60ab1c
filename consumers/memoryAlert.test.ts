import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ALERT_LEVELS } from '../schemas/queries/answer.ts'
import type { AlertLevel } from '../schemas/queries/answer.ts'
import { CLEARANCE, MemoryAlerts, alertLevel } from './memoryAlert.ts'

const thresholds = { notice: 0.8, warning: 0.9, critical: 0.95 }

test('a level comes at its threshold and goes a little below it', () => {
  const uses = [0.5, 0.799, 0.8, 0.899, 0.9, 0.96, 1.4, 0.94, 0.929, 0.89, 0.87, 0.79, 0.779, 0]
  const levels: AlertLevel[] = []
  for (const use of uses) levels.push(alertLevel(use, levels.at(-1) ?? 'none', thresholds))
  assert.deepEqual(
    levels.map((level) => ALERT_LEVELS.indexOf(level)),
    [0, 0, 1, 1, 2, 3, 3, 3, 2, 2, 1, 1, 0, 0],
  )
})

test('it may skip levels both ways', () => {
  assert.equal(alertLevel(0.99, 'none', thresholds), 'critical')
  assert.equal(alertLevel(0.1, 'critical', thresholds), 'none')
})

test('the level never leaves the band around what the use alone would say', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1.5, noNaN: true })), (uses) => {
      let level: AlertLevel = 'none'
      for (const use of uses) {
        const before: AlertLevel = level
        level = alertLevel(use, before, thresholds)
        const rank = ALERT_LEVELS.indexOf(level)
        assert.ok(rank >= ALERT_LEVELS.indexOf(alertLevel(use, 'none', thresholds)))
        assert.ok(rank <= ALERT_LEVELS.indexOf(alertLevel(use + CLEARANCE, 'none', thresholds)))
        assert.equal(alertLevel(use, level, thresholds), level)
      }
    }),
  )
})

test('changes are told once, for the pool and for each region', () => {
  const alerts = new MemoryAlerts(thresholds)
  const report = (utilization: number, usedBytes: number) => ({
    utilization,
    regions: [
      {
        region: 'incident_database' as const,
        quotaBytes: 100,
        usedBytes,
        borrowedBytes: 0,
        lentBytes: 0,
        freeBytes: 0,
        evicted: 0,
      },
    ],
  })
  assert.deepEqual(alerts.update(report(0.1, 50)), [])
  assert.deepEqual(alerts.update(report(0.1, 130)), [
    { region: 'incident_database', from: 'none', to: 'critical', use: 1.3 },
  ])
  assert.deepEqual(alerts.update(report(0.1, 130)), [])
  assert.deepEqual(
    alerts.update(report(0.85, 10)).map(({ region, to }) => [region, to]),
    [
      ['pool', 'notice'],
      ['incident_database', 'none'],
    ],
  )
  assert.deepEqual([alerts.levelOf('pool'), alerts.levelOf('incident_database')], ['notice', 'none'])
})
