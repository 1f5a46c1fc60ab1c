/** A real Prometheus writes to the gateway; what it stored itself and what we answer are the same samples. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'

import { findTool } from '../harness/tools.ts'
import { System, eventually, freePort } from '../harness/system.ts'

const prometheus = findTool('prometheus')

interface OurSeries {
  readonly series: readonly { labels: Record<string, string>; points: [number, number][] }[]
}
interface PrometheusAnswer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] }
}

test(
  'remote write',
  { skip: prometheus === null && 'no Prometheus on this machine (TEST_SETUP=full installs it)' },
  async (t) => {
    assert.ok(prometheus !== null)
    const system = await System.start({ roles: ['gateway', 'consumer'] })
    t.after(async () => system.stop())

    let scrapes = 0
    const target = createServer((_, answer) => {
      scrapes += 1
      answer.setHeader('content-type', 'text/plain; version=0.0.4')
      answer.end(
        [
          '# TYPE demo_requests_total counter',
          `demo_requests_total{code="200"} ${String(scrapes * 17)}`,
          `demo_requests_total{code="500"} ${String(Math.floor(scrapes / 3))}`,
          '# TYPE demo_temperature gauge',
          `demo_temperature ${String(20 + Math.sin(scrapes) * 5)}`,
          '',
        ].join('\n'),
      )
    })
    await new Promise<void>((done) => target.listen(0, '127.0.0.1', done))
    t.after(() => target.close())
    const targetPort = (target.address() as AddressInfo).port

    const port = await freePort()
    const file = join(system.folder, 'prometheus.yml')
    await writeFile(
      file,
      [
        'global: { scrape_interval: 1s }',
        'scrape_configs:',
        '  - job_name: demo',
        `    static_configs: [{ targets: ["127.0.0.1:${String(targetPort)}"], labels: { service: shop, environment: production } }]`,
        'remote_write:',
        `  - url: "${system.process('gateway').url}/api/v1/write"`,
        '    queue_config: { batch_send_deadline: 1s }',
      ].join('\n'),
    )
    const child = spawn(
      prometheus,
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(system.folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${String(port)}`,
      ],
      { stdio: 'ignore' },
    )
    t.after(() => child.kill())
    const from = Date.now()
    await eventually('twelve scrapes', () => Promise.resolve(scrapes >= 12 ? true : null))
    const to = Date.now() - 1_000

    const theirs = async (): Promise<Map<string, [number, number][]>> => {
      const answer = await fetch(
        `http://127.0.0.1:${String(port)}/api/v1/query?query=${encodeURIComponent('{job="demo"}[1m]')}`,
      )
      const body = (await answer.json()) as PrometheusAnswer
      return new Map(
        body.data.result.map((s) => [
          keyOf(s.metric),
          s.values
            .map(([at, v]): [number, number] => [Math.round(at * 1000), Number(v)])
            .filter(([at]) => at >= from && at < to),
        ]),
      )
    }
    const expected = await theirs()
    assert.ok(expected.size >= 3 + 4, 'our three series and those that Prometheus adds')

    for (const metric of ['demo_requests_total', 'demo_temperature', 'up']) {
      const mine = await eventually(`all samples of ${metric} have arrived`, async () => {
        const answer = (await system.query('query_metrics', {
          metric,
          service: 'production/shop',
          from: new Date(from).toISOString(),
          to: new Date(to).toISOString(),
          stepSeconds: 0,
        })) as OurSeries
        const complete = answer.series.every(
          (s) => s.points.length >= (expected.get(keyOf(s.labels))?.length ?? Infinity),
        )
        return answer.series.length > 0 && complete ? answer.series : null
      })
      for (const series of mine)
        assert.deepEqual(series.points, expected.get(keyOf(series.labels)), keyOf(series.labels))
      const named = [...expected.keys()].filter((k) => k.includes(`__name__=${metric},`))
      assert.equal(mine.length, named.length)
    }
  },
)

function keyOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value},`)
    .join('')
}
