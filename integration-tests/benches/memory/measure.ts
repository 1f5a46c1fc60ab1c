/** One run: the memory first, then each peer over the same samples and questions. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { sameSamples } from './compare.ts'
import { type Measured, handedOver, runHarness } from './harness.ts'
import type { Peer, Place } from './peer.ts'
import { cpuOfQuery } from './queries.ts'
import { type Target, readScrape, scrapeText } from './scrapeFile.ts'
import { type Sets, readSets } from './sets.ts'
import { snapshotRows } from './snapshot.ts'
import type { Row } from './table.ts'

export interface Run {
  readonly workspace: string
  /** A folder of this run alone. */
  readonly folder: string
  /** Folders of data sets; without one the set is made up from a seed. */
  readonly data: readonly string[]
  /** One group of rows, or all. */
  readonly only: string | null
  readonly peers: readonly Peer[]
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

interface Growing extends Row {
  readonly peers: Record<string, number>
  readonly lacking: Record<string, string>
}

/** The group that the harness does not have. */
const SNAPSHOT = 'snapshot'
const STORED = 'bytesPerSample'
const UNITS_A_SECOND: Readonly<Record<string, number>> = { ms: 1e3, µs: 1e6, ns: 1e9 }

export async function measure(run: Run): Promise<readonly Row[]> {
  const { workspace, folder, only, say, signal } = run
  const harness = only === SNAPSHOT ? [] : await ofHarness(run)
  if (only !== null && only !== SNAPSHOT) return harness
  say('a snapshot of 1 GiB …')
  return [...harness, ...(await snapshotRows(workspace, folder, signal))]
}

async function ofHarness(run: Run): Promise<readonly Row[]> {
  const { workspace, folder, only, say, signal } = run
  const [sets, handOver] = [join(folder, 'sets'), join(folder, 'handed-over')]
  for (const made of [sets, handOver]) mkdirSync(made)
  if (only === null || only === 'size') writeSets(sets, readSets(run.data, Date.now()))
  say('the memory itself …')
  const measured = await runHarness(workspace, { only, sets, handOver, signal })
  const rows = new Map(measured.map((one) => [one.key, rowOf(one)]))
  for (const set of readdirSync(sets).sort()) {
    const row = rows.get(`${STORED}.${set}`)
    if (row !== undefined) await store(run, row, targetsOf(join(sets, set)))
  }
  for (const handed of handedOver(handOver)) {
    const row = rows.get(handed.key)
    if (row === undefined) throw new Error(`there is no row ${handed.key}, and its question was handed over`)
    await withPeers(run, row, async (peer, place) => {
      return (await cpuOfQuery(peer, handed, place)) * (UNITS_A_SECOND[row.unit.split(' ')[0] ?? ''] ?? NaN)
    })
  }
  return [...rows.values()]
}

async function store(run: Run, row: Growing, targets: readonly Target[]): Promise<void> {
  const values = targets.flatMap(({ series }) => series).map((one) => one.values.filter((v) => !Number.isNaN(v)).length)
  const samples = values.reduce((a, b) => a + b, 0)
  await withPeers(run, row, async (peer, place) => {
    return (await peer.hold(targets, place, (served) => sameSamples(peer.name, served, targets))) / samples
  })
}

/** Adds each peer's figure to the row. */
async function withPeers(
  { peers, folder, say, signal }: Run,
  row: Growing,
  figure: (peer: Peer, place: Place) => Promise<number>,
): Promise<void> {
  for (const peer of peers) {
    signal.throwIfAborted()
    const lacking = peer.lacking()
    if (lacking !== null) {
      row.lacking[peer.name] = lacking
      continue
    }
    say(`${row.key}: ${peer.name} …`)
    const own = mkdtempSync(join(folder, 'peer-'))
    row.peers[peer.name] = await figure(peer, { folder: own, signal })
    rmSync(own, { recursive: true, force: true })
  }
}

function rowOf({ key, unit, goal, ours, gorilla }: Measured): Growing {
  const peers: Record<string, number> = gorilla === null ? {} : { gorilla }
  return { key, unit, goal, ours, peers, lacking: {}, better: 'lower', beatsPeers: key.startsWith(`${STORED}.`) }
}

/** A folder for each set, in it a file for each target, in the order of their names. */
function writeSets(folder: string, sets: Sets): void {
  for (const [set, targets] of sets) {
    mkdirSync(join(folder, set))
    for (const [n, target] of targets.entries())
      writeFileSync(join(folder, set, `${String(n).padStart(6, '0')}.csv`), scrapeText(target))
  }
}

const targetsOf = (folder: string): readonly Target[] =>
  readdirSync(folder)
    .sort()
    .map((file) => readScrape(join(folder, file)))
