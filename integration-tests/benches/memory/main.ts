/**
 * `npm run bench:memory [-- --json] [-- --only GROUP] [-- --data DIR]… [-- --install]`: the memory's figures, peers beside them.
 * `npm run bench:memory -- --scrape FILE [--scrapes N] [--every MS]`: records what a node exporter tells of this machine.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { forMemoryBench, installLackingPackages, whyNoPackages } from '../../../infra/local/debianPackages.mjs'
import { measure } from './measure.ts'
import { prometheus } from './prometheus.ts'
import { record } from './scrape.ts'
import { writeScrape } from './scrapeFile.ts'
import { asObject, asTable } from './table.ts'
import { victoriaMetrics } from './victoriaMetrics.ts'

const workspace = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'rust-engine')

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    data: { type: 'string', multiple: true, default: [] },
    install: { type: 'boolean', default: false },
    scrape: { type: 'string' },
    scrapes: { type: 'string', default: '8192' },
    every: { type: 'string', default: '130' },
  },
})

const say = (line: string): void => {
  console.error(line)
}

const interrupt = new AbortController()
const { signal } = interrupt
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => {
    interrupt.abort(new Error(`interrupted by ${name}`))
  })

try {
  if (values.install) await install()
  if (values.scrape === undefined) await bench()
  else
    writeScrape(
      values.scrape,
      await record({ scrapes: count(values.scrapes), everyMs: count(values.every), say, signal }),
    )
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function install(): Promise<void> {
  const reason = whyNoPackages()
  if (reason !== null) throw new Error(`--install brings Debian packages, and ${reason}`)
  await installLackingPackages({ say, signal, wanted: forMemoryBench })
}

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`"${text}" is no count: a whole number above 0 is wanted`)
  return Number(text)
}

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'))
  try {
    const { rows, failures } = await measure({
      workspace,
      folder,
      data: values.data,
      only: values.only ?? null,
      peers: [prometheus, victoriaMetrics],
      say,
      signal,
    })
    console.log(values.json ? JSON.stringify(asObject(rows)) : asTable(rows))
    if (failures.length > 0) throw new Error(failures.join('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
