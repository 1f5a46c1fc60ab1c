/** A real Alertmanager delivers an alert: it becomes an incident, and resolves. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { findTool } from '../harness/tools.ts'
import { System, eventually, freePort } from '../harness/system.ts'

const alertmanager = findTool('prometheus-alertmanager', 'alertmanager')

interface Page {
  readonly items: readonly {
    key: string
    title: string
    state: string
    severity: string | null
    endsAt: string | null
  }[]
}

test(
  'an alert fires and resolves',
  { skip: alertmanager === null && 'no Alertmanager on this machine (TEST_SETUP=full installs it)' },
  async (t) => {
    assert.ok(alertmanager !== null)
    const system = await System.start({ roles: ['gateway', 'consumer'] })
    t.after(async () => system.stop())
    const port = await freePort()
    const file = join(system.folder, 'alertmanager.yml')
    await writeFile(
      file,
      [
        'route: { receiver: devops, group_wait: 0s, group_interval: 1s, group_by: [alertname] }',
        'receivers:',
        '  - name: devops',
        '    webhook_configs:',
        `      - { url: "${system.process('gateway').url}/webhooks/alertmanager", send_resolved: true }`,
      ].join('\n'),
    )
    const child = spawn(
      alertmanager,
      [
        `--config.file=${file}`,
        `--storage.path=${join(system.folder, 'am')}`,
        `--web.listen-address=127.0.0.1:${String(port)}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    )
    t.after(() => child.kill())
    const url = `http://127.0.0.1:${String(port)}`
    await eventually('Alertmanager is ready', async () => ((await fetch(`${url}/-/ready`)).ok ? true : null))

    const service = 'production/checkout'
    const alert = {
      labels: { alertname: 'HighErrorRate', service: 'checkout', environment: 'production', severity: 'critical' },
      annotations: { summary: 'Error rate above 5 %' },
      startsAt: new Date(Date.now() - 60_000).toISOString(),
    }
    const send = async (endsAt: string) => {
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ ...alert, endsAt }]),
      })
      assert.equal(answer.status, 200, await answer.text())
    }
    const incidents = async () => (await system.query('list_incidents', { service })) as Page

    await send(new Date(Date.now() + 3_600_000).toISOString())
    const firing = await eventually('the incident fires', async () => {
      const page = await incidents()
      return page.items[0]?.state === 'firing' ? page : null
    })
    assert.equal(firing.items.length, 1)
    assert.equal(firing.items[0]?.title, 'HighErrorRate')
    assert.equal(firing.items[0].severity, 'critical')

    await send(new Date(Date.now() - 1_000).toISOString())
    const resolved = await eventually('the incident resolves', async () => {
      const page = await incidents()
      return page.items[0]?.state === 'resolved' ? page : null
    })
    assert.equal(resolved.items.length, 1, 'one incident, not two')
    assert.equal(resolved.items[0]?.key, firing.items[0].key)
    assert.ok(resolved.items[0].endsAt !== null)
  },
)
