import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logLevel } from 'kafkajs'
import { createLog } from '../telemetry/log.ts'
import { kafkaLogCreator } from './client.ts'

test('the same line of the client is logged once in ten seconds, with how many were left out', () => {
  const lines: [string, Record<string, unknown>][] = []
  const log = createLog('test', 'silent')
  log.warn = (fields: object, message?: string) => lines.push([message ?? '', { ...fields }])
  let now = 0
  const write = kafkaLogCreator(log, () => now)()
  const line = (message: string): void => {
    write({
      namespace: 'Connection',
      level: logLevel.ERROR,
      label: 'ERROR',
      log: { timestamp: '', message, broker: 'a:1' },
    })
  }
  for (let i = 0; i < 100; i++) line('refused')
  line('closed')
  line('Limiting retries for the idempotent producer may invalidate EoS guarantees')
  now = 10_001
  line('refused')
  assert.deepEqual(
    lines.map(([message, { leftOut, broker }]) => [message, leftOut, broker]),
    [
      ['refused', 0, 'a:1'],
      ['closed', 0, 'a:1'],
      ['refused', 99, 'a:1'],
    ],
  )
})
