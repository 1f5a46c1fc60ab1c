/** What the tests of the door share: small engines, events, a folder that goes with its test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openEngine } from './engine.ts'
import type { DeploymentFilter, EngineOptions } from './records.ts'

export const MIB = 1024 * 1024
/** When the log had an event, where that does not matter. */
export const LOGGED = 1_000
/** The service of the events below. */
export const SHOP = 'production/shop'
export const ALL: DeploymentFilter = {
  subject: null,
  service: null,
  environment: null,
  state: null,
  conclusion: null,
  from: null,
  to: null,
  at: null,
}

export const sized = (unit: number): EngineOptions => ({
  poolBytes: 8 * unit,
  quotaBytes: {
    infrastructure_state: 4 * unit,
    deployment_history: 2 * unit,
    incident_database: unit,
    active_operations: unit,
  },
  borrowBytesMax: {
    infrastructure_state: unit,
    deployment_history: unit,
    incident_database: unit,
    active_operations: unit,
  },
  shards: 12,
})
export const open = (options: Partial<EngineOptions> = {}) => openEngine({ ...sized(8 * MIB), ...options })

export const deployment = (fields: object): string =>
  JSON.stringify({
    id: 'e',
    occurredAt: 1_000,
    receivedAt: 1_000,
    source: 'github',
    service: SHOP,
    environment: 'production',
    trace: null,
    subject: 'deployment',
    phase: 'requested',
    key: 'github:o/r/deployment/1',
    attempt: 1,
    conclusion: null,
    name: null,
    workflow: null,
    repository: null,
    branch: null,
    sha: null,
    actor: null,
    trigger: null,
    pullRequest: null,
    change: null,
    step: null,
    links: [],
    backfilled: false,
    ...fields,
  })

export const incident = (fields: object): string =>
  JSON.stringify({
    id: 'i',
    occurredAt: 1_000,
    receivedAt: 1_000,
    source: 'alertmanager',
    service: SHOP,
    environment: 'production',
    trace: null,
    phase: 'firing',
    key: 'alertmanager:1',
    title: 'Slow',
    severity: 'critical',
    summary: 's',
    description: 'd',
    labels: { alertname: 'Slow' },
    annotations: {},
    startsAt: 900,
    endsAt: null,
    generatorUrl: null,
    ...fields,
  })

export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}
