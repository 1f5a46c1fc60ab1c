/** The same deliveries again, in any order and under new delivery ids, change nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Delivery, deliver, deploymentCreated, deploymentStatus } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { useSystem, eventually } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer'] })

test('a redelivered life of a deployment changes nothing', async () => {
  const service = 'production/payments'
  const at = Date.now() - 120_000
  const options = { repository: 'acme/payments', id: 77, at }
  const life: Delivery[] = [
    deploymentCreated(options),
    deploymentStatus(options, 'queued', 1, at + 1_000),
    deploymentStatus(options, 'in_progress', 2, at + 5_000),
    deploymentStatus(options, 'failure', 3, at + 65_000),
  ]
  for (const delivery of life) assert.equal((await deliver(system(), delivery)).status, 202)
  const first = await eventually('scored', async () => {
    const rows = await ledgerOf(system(), service)
    return rows.some((e) => e.kind === 'scored') ? rows : null
  })
  const before = await system().query('get_service', { service })

  for (const delivery of [...life.toReversed(), ...life]) assert.equal((await deliver(system(), delivery)).status, 202)
  // Another service of the same shard order: once this is visible, all before it has been applied.
  const marker = deploymentCreated({ repository: 'acme/payments', id: 78, at })
  await deliver(system(), marker)
  await eventually('the marker is applied', async () => {
    const page = (await system().query('list_deployments', { service })) as { items: { key: string }[] }
    return page.items.some((d) => d.key.endsWith('/78')) ? true : null
  })

  const rows = (await ledgerOf(system(), service)).filter((e) => e.subjectKey.endsWith('/77'))
  assert.deepEqual(rows, first)
  const afterwards = (await system().query('get_service', { service })) as { outcomes: unknown }
  assert.deepEqual(afterwards.outcomes, (before as { outcomes: unknown }).outcomes)
})
