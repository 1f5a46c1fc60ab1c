import { once } from 'node:events'
import { createWriteStream, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '../../../infra/local/command.mjs'
import { freePort } from '../../../infra/local/freePort.mjs'
import { answers, startServer } from '../../../infra/local/serverProcess.mjs'
import { findTool } from '../../harness/tools.ts'
import { type Peer, type Place, type Served, selectorOf, storedSeries } from './peer.ts'
import type { Target } from './scrapeFile.ts'

const READY_LIMIT_MS = 60_000
// Long blocks: the chunks are cut at 120 samples only, as many as a chunk of Prometheus can have, and not every two hours.
const BLOCK = '744h'

/** Its bytes are those of the files in the chunks folders of its blocks: without index, tombstones and log. */
export const prometheus: Peer = {
  name: 'prometheus',
  lacking: () =>
    findTool('prometheus') === null || findTool('promtool') === null
      ? 'not installed (Debian: prometheus; as root on Debian, --install does it)'
      : null,
  async hold(targets, place, use) {
    const { folder, signal } = place
    const samples = join(folder, 'samples.om')
    await writeOpenMetrics(samples, targets)
    const data = join(folder, 'data')
    await runCommand(
      'importing into Prometheus',
      findTool('promtool') ?? 'promtool',
      [...['tsdb', 'create-blocks-from', 'openmetrics', `--max-block-duration=${BLOCK}`], ...[samples, data]],
      { signal },
    )
    rmSync(samples)
    const bytes = chunkBytes(data)
    await serve(data, place, use)
    return bytes
  },
}

async function serve(data: string, { folder, signal }: Place, use: (served: Served) => Promise<void>): Promise<void> {
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  const configuration = join(folder, 'prometheus.yml')
  writeFileSync(configuration, 'global: { scrape_interval: 1h }\n')
  const server = await startServer({
    name: 'Prometheus',
    command: findTool('prometheus') ?? 'prometheus',
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      // The same: nothing is compacted while it is measured.
      `--storage.tsdb.min-block-duration=${BLOCK}`,
      `--storage.tsdb.max-block-duration=${BLOCK}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    logPath: join(folder, 'log'),
    ready: () => answers(`${url}/-/ready`),
    readyLimitMs: READY_LIMIT_MS,
    signal,
  })
  try {
    await use({ url, pid: server.pid, signal })
  } finally {
    await server.stop()
  }
}

async function writeOpenMetrics(file: string, targets: readonly Target[]): Promise<void> {
  const out = createWriteStream(file)
  // promtool cuts seconds × 1000 off to whole ms: half a ms keeps the one that is meant.
  const seconds = (time: number) => `${Math.floor(time / 1000)}.${String(time % 1000).padStart(3, '0')}5`
  for (const stored of storedSeries(targets)) {
    const selector = selectorOf(stored)
    const lines = stored.times.map((time, row) => `${selector} ${stored.values[row] ?? ''} ${seconds(time)}\n`)
    if (!out.write(lines.join(''))) await once(out, 'drain')
  }
  out.end('# EOF\n')
  await once(out, 'close')
}

/** A block is a folder with a meta.json. */
function chunkBytes(data: string): number {
  const chunks = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[^/]+\/chunks\/\d+$/.test(name),
  )
  return chunks.reduce((sum, name) => sum + statSync(join(data, name)).size, 0)
}
