/** Remote write at full speed: the gateway (with broker and consumer) and a real Prometheus, same stream, in turns. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type System, eventually, freePort } from '../harness/system.ts'
import { findTool } from '../harness/tools.ts'
import { cpuSeconds } from './cpu.ts'
import { type Load, requests } from './remoteWriteBody.ts'

const LOAD: Omit<Load, 'startMs'> = { targets: 10, seriesPerTarget: 500, steps: 60, stepMs: 15_000 }

export interface IngestRow {
  readonly who: string
  readonly samplesPerSecond: number
  /** CPU seconds for each million samples, by process. */
  readonly cpuSecondsPerMillion: Readonly<Record<string, number>>
}

async function send(url: string, startMs: number): Promise<{ samples: number; seconds: number }> {
  const bodies = [...requests({ ...LOAD, startMs })]
  const begin = performance.now()
  let next = 0
  let samples = 0
  const connection = async (): Promise<void> => {
    for (let request = bodies[next++]; request !== undefined; request = bodies[next++]) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
        },
        body: new Uint8Array(request.body),
      })
      if (!answer.ok) throw new Error(`${url}: ${String(answer.status)} ${await answer.text()}`)
      samples += request.samples
    }
  }
  await Promise.all([connection(), connection()])
  return { samples, seconds: (performance.now() - begin) / 1000 }
}

export async function benchOurs(system: System, round: number): Promise<IngestRow> {
  if (system.bus.brokerPid === null) throw new Error('the bench counts the CPU of a broker of its own')
  const pids = {
    gateway: system.process('gateway').pid,
    broker: system.bus.brokerPid,
    consumer: system.process('consumer').pid,
  }
  const before = Object.entries(pids).map(([who, pid]) => [who, cpuSeconds(pid)] as const)
  const startMs = Date.now() - 3_600_000 + round * LOAD.steps * LOAD.stepMs
  const sent = await send(`${system.process('gateway').url}/api/v1/write`, startMs)
  const lastMs = startMs + (LOAD.steps - 1) * LOAD.stepMs
  await eventually('the last samples are visible', async () => {
    for (let target = 0; target < LOAD.targets; target += 1) {
      const answer = (await system.query('query_metrics', {
        metric: 'bench_metric_0_total',
        service: `production/service-${String(target)}`,
        from: new Date(lastMs).toISOString(),
        to: new Date(lastMs + 1).toISOString(),
        stepSeconds: 0,
      })) as { series: { points: unknown[] }[] }
      if (!answer.series.some((s) => s.points.length > 0)) return null
    }
    return true
  })
  return {
    who: 'devops-mcp-server',
    samplesPerSecond: Math.round(sent.samples / sent.seconds),
    cpuSecondsPerMillion: Object.fromEntries(
      before.map(([who, seconds]) => [
        who,
        ((cpuSeconds(pids[who as keyof typeof pids]) - seconds) / sent.samples) * 1e6,
      ]),
    ),
  }
}

export async function benchPrometheus(): Promise<IngestRow | null> {
  const prometheus = findTool('prometheus')
  if (prometheus === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'bench-prometheus-'))
  const port = await freePort()
  await writeFile(join(folder, 'prometheus.yml'), 'global: { scrape_interval: 1h }\n')
  const child = spawn(
    prometheus,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--web.enable-remote-write-receiver',
    ],
    { stdio: 'ignore' },
  )
  try {
    const url = `http://127.0.0.1:${String(port)}`
    await eventually('Prometheus is ready', async () => ((await fetch(`${url}/-/ready`)).ok ? true : null))
    const pid = child.pid ?? 0
    const before = cpuSeconds(pid)
    const sent = await send(`${url}/api/v1/write`, Date.now() - LOAD.steps * LOAD.stepMs)
    return {
      who: 'Prometheus',
      samplesPerSecond: Math.round(sent.samples / sent.seconds),
      cpuSecondsPerMillion: { prometheus: ((cpuSeconds(pid) - before) / sent.samples) * 1e6 },
    }
  } finally {
    const exited = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
}
