/** The same deliveries again, in any order and under new delivery ids, change nothing: deployments, incidents, metrics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type TimeSeries, writeRequest } from '../benches/remoteWriteBody.ts'
import { type Delivery, deliver, deploymentCreated, deploymentStatus } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { useSystem, eventually } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer'] })
const SERVICE = 'production/payments'
const begin = Date.now()

interface Page {
  readonly items: readonly { readonly key: string; readonly state: string }[]
}

const listed = async (query: string, service = SERVICE) => (await system().query(query, { service })) as Page

test('a redelivered life of a deployment changes nothing', async () => {
  const at = begin - 120_000
  const options = { repository: 'acme/payments', id: 77, at }
  const life: Delivery[] = [
    deploymentCreated(options),
    deploymentStatus(options, 'queued', 1, at + 1_000),
    deploymentStatus(options, 'in_progress', 2, at + 5_000),
    deploymentStatus(options, 'failure', 3, at + 65_000),
  ]
  for (const delivery of life) assert.equal((await deliver(system(), delivery)).status, 202)
  const first = await eventually('scored', async () => {
    const rows = await ledgerOf(system(), SERVICE)
    return rows.some((e) => e.kind === 'scored') ? rows : null
  })
  const before = (await system().query('get_service', { service: SERVICE })) as { outcomes: unknown }

  for (const delivery of [...life.toReversed(), ...life]) assert.equal((await deliver(system(), delivery)).status, 202)
  // Events of a service keep their order: once this one is visible, all before it have been applied.
  await deliver(system(), deploymentCreated({ repository: 'acme/payments', id: 78, at }))
  await eventually('the marker is applied', async () =>
    (await listed('list_deployments')).items.some(({ key }) => key.endsWith('/78')) ? true : null,
  )

  const rows = (await ledgerOf(system(), SERVICE)).filter((e) => e.subjectKey.endsWith('/77'))
  assert.deepEqual(rows, first)
  const afterwards = (await system().query('get_service', { service: SERVICE })) as { outcomes: unknown }
  assert.deepEqual(afterwards.outcomes, before.outcomes)
})

const alert = (name: string, status: 'firing' | 'resolved') => ({
  status,
  labels: { alertname: name, service: 'payments', environment: 'production', severity: 'page' },
  annotations: { summary: `${name} is on` },
  startsAt: new Date(begin - 60_000).toISOString(),
  endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : new Date(begin - 30_000).toISOString(),
  generatorURL: '',
  fingerprint: name,
})

async function notify(...alerts: object[]): Promise<void> {
  const { status } = alerts[0] as { status: string }
  const common = { groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: 'http://alertmanager.test' }
  const body = { version: '4', groupKey: '{}', truncatedAlerts: 0, status, receiver: 'devops', ...common, alerts }
  const answer = await system().post('/webhooks/alertmanager', JSON.stringify(body))
  assert.ok(answer.ok, await answer.text())
}

test('an alert that is notified again, also late, stays one resolved incident', async () => {
  await notify(alert('Slow', 'firing'))
  await notify(alert('Slow', 'resolved'))
  const first = await eventually('resolved', async () => {
    const { items } = await listed('list_incidents')
    return items[0]?.state === 'resolved' ? items : null
  })
  await notify(alert('Slow', 'resolved'))
  await notify(alert('Slow', 'firing'))
  await notify(alert('Slow', 'firing'), alert('Marker', 'firing'))
  const items = await eventually('the marker is applied', async () => {
    const page = await listed('list_incidents')
    return page.items.length > 1 ? page.items : null
  })
  assert.deepEqual(
    items.filter(({ key }) => key === first[0]?.key),
    first,
  )
  assert.equal(items.length, 2)
})

const samplesOf = async (metric: string): Promise<readonly unknown[]> => {
  const window = { from: new Date(begin - 600_000).toISOString(), to: new Date(begin + 1000).toISOString() }
  const input = { service: SERVICE, metric, ...window, stepSeconds: 0 }
  return ((await system().query('query_metrics', input)) as { series: unknown[] }).series
}

test('a batch of samples that is sent again changes no series', async () => {
  const series = (name: string, values: readonly number[]): TimeSeries => ({
    labels: { __name__: name, environment: 'production', instance: '10.0.0.7:9100', job: 'pay', service: 'payments' },
    samples: values.map((value, i) => ({ value, timestamp: begin - 300_000 + i * 15_000 })),
  })
  const headers = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  }
  const send = async (...all: TimeSeries[]): Promise<void> => {
    const answer = await system().post('/api/v1/write', writeRequest(all), headers)
    assert.ok(answer.ok, await answer.text())
  }
  const early = series('queue_length', [1, 5, 2])
  const late = series('queue_length', [1, 5, 2, 8, 3])
  await send(early)
  await send(late)
  const first = await eventually('the samples are visible', async () => {
    const found = (await samplesOf('queue_length')) as { points: unknown[] }[]
    return found[0]?.points.length === 5 ? found : null
  })
  await send(late)
  await send(early)
  await send(late, series('marker', [1]))
  await eventually('the marker is visible', async () => ((await samplesOf('marker')).length > 0 ? true : null))
  assert.deepEqual(await samplesOf('queue_length'), first)
})
