import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../../infra/local/freePort.mjs'
import { answers, startServer } from '../../../infra/local/serverProcess.mjs'
import { findTool } from '../../harness/tools.ts'
import { METRIC, type Peer, type Served, labelsOf, storedSeries } from './peer.ts'
import type { Target } from './scrapeFile.ts'

const READY_LIMIT_MS = 60_000
const MERGES_ASKED_EVERY_MS = 200
const MERGE_LIMIT_MS = 120_000
const REQUEST_CHARACTERS = 8 << 20

/** Its bytes are those of all files of the parts, after a forced merge: without the index of labels. */
export const victoriaMetrics: Peer = {
  name: 'victoriaMetrics',
  lacking: () =>
    tool() === null ? 'not installed (Debian: victoria-metrics; as root on Debian, --install does it)' : null,
  async hold(targets, { folder, signal }, use) {
    const data = join(folder, 'data')
    const address = `127.0.0.1:${String(await freePort())}`
    const url = `http://${address}`
    const server = await startServer({
      name: 'VictoriaMetrics',
      command: tool() ?? 'victoria-metrics',
      args: [`-storageDataPath=${data}`, `-httpListenAddr=${address}`, '-retentionPeriod=100y'],
      logPath: join(folder, 'log'),
      ready: () => answers(`${url}/health`),
      readyLimitMs: READY_LIMIT_MS,
      signal,
    })
    try {
      const served = { url, pid: server.pid, signal }
      await load(served, targets)
      await merge(served)
      await use(served)
    } finally {
      await server.stop()
    }
    return partBytes(join(data, 'data'))
  },
}

const tool = (): string | null => findTool('victoria-metrics', 'victoria-metrics-prod')

async function load(served: Served, targets: readonly Target[]): Promise<void> {
  let body = ''
  for (const stored of storedSeries(targets)) {
    const { values, times: timestamps } = stored
    body += `${JSON.stringify({ metric: { __name__: METRIC, ...labelsOf(stored) }, values, timestamps })}\n`
    if (body.length < REQUEST_CHARACTERS) continue
    await post(served, '/api/v1/import', body)
    body = ''
  }
  await post(served, '/api/v1/import', body)
}

async function merge(served: Served): Promise<void> {
  await post(served, '/internal/force_flush')
  await post(served, '/internal/force_merge')
  const until = Date.now() + MERGE_LIMIT_MS
  do {
    if (Date.now() > until) throw new Error(`VictoriaMetrics still merges after ${MERGE_LIMIT_MS / 1000} s`)
    await sleep(MERGES_ASKED_EVERY_MS, undefined, { signal: served.signal })
  } while (isMerging(await (await fetch(`${served.url}/metrics`)).text()))
}

/** Forced merges, and those that it does by itself, that are under way by the text of /metrics. */
export function isMerging(metrics: string): boolean {
  const counts = [...metrics.matchAll(/^vm_active(_force)?_merges(\{type="storage\/[^}]*\})? (\d+)$/gm)]
  if (counts.length === 0) throw new Error('VictoriaMetrics does not tell its merges')
  return counts.some(([, , , count]) => count !== '0')
}

async function post({ url, signal }: Served, path: string, body = ''): Promise<void> {
  const answer = await fetch(url + path, { method: 'POST', body, signal })
  if (!answer.ok) throw new Error(`${url}${path}: ${answer.status} ${await answer.text()}`)
}

/** <size>/<month>/<part>/<file>; parts are named after their rows and blocks. */
function partBytes(data: string): number {
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(small|big)\/\d{4}_\d{2}\/\d+_\d+_[^/]+\/[^/]+$/.test(name),
  )
  return files.reduce((sum, name) => sum + statSync(join(data, name)).size, 0)
}
