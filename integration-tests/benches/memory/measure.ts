/** One run: the memory first, then each peer over the same samples and questions. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { keptOtherwise } from './compare.ts'
import { type Measured, handedOver, runHarness, runShardBench } from './harness.ts'
import { type Peer, type Place, storedSeries } from './peer.ts'
import { cpuOfQuery } from './queries.ts'
import { type Target, readScrape, scrapeText } from './scrapeFile.ts'
import { type Sets, readSets } from './sets.ts'
import { recoveryRows } from './recovery.ts'
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

/** The groups that the harness does not have. */
const OF_THE_SHARD = [
  { group: 'snapshot', what: 'a snapshot of 1 GiB', rows: snapshotRows },
  { group: 'recovery', what: 'recovery from 2 GiB', rows: recoveryRows },
] as const
const SIZE = 'size'
const STORED = 'bytesPerSample'
/** Between the name of a set and that of the peer whose values these are. */
const AS_KEPT = '.asKeptBy.'
const UNITS_A_SECOND: Readonly<Record<string, number>> = { ms: 1e3, µs: 1e6, ns: 1e9 }

export interface Outcome {
  readonly rows: readonly Row[]
  /** Of groups whose bench broke: the others' rows took minutes. */
  readonly failures: readonly string[]
}

export async function measure(run: Run): Promise<Outcome> {
  const { workspace, folder, only, say, signal } = run
  const failures: string[] = []
  const others = OF_THE_SHARD.filter(({ group }) => only === null || only === group)
  const rows = only === null || others.length === 0 ? [...(await ofHarness(run))] : []
  for (const { group, what, rows: rowsOf } of others) {
    say(`${what} …`)
    try {
      rows.push(...rowsOf(await runShardBench(workspace, group, folder, signal)))
    } catch (error) {
      signal.throwIfAborted()
      failures.push(`${group}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { rows, failures }
}

async function ofHarness(run: Run): Promise<readonly Row[]> {
  const { workspace, folder, only, say, signal } = run
  const [sets, handOver, kept] = [join(folder, 'sets'), join(folder, 'handed-over'), join(folder, 'kept')] as const
  for (const made of [sets, handOver, kept]) mkdirSync(made)
  if (only === null || only === SIZE) writeSets(sets, readSets(run.data, Date.now()))
  say('the memory itself …')
  const measured = await runHarness(workspace, { only, sets, handOver, signal })
  const rows = new Map(measured.map((one) => [one.key, rowOf(one)]))
  for (const set of readdirSync(sets).sort()) {
    const row = rows.get(`${STORED}.${set}`)
    if (row !== undefined) await store(run, row, targetsOf(join(sets, set)), kept)
  }
  for (const handed of handedOver(handOver)) {
    const row = rows.get(handed.key)
    if (row === undefined) throw new Error(`there is no row ${handed.key}, and its question was handed over`)
    await withPeers(run, row, async (peer, place) => {
      return (await cpuOfQuery(peer, handed, place)) * (UNITS_A_SECOND[row.unit.split(' ')[0] ?? ''] ?? NaN)
    })
  }
  return [...rows.values(), ...(await asKept(run, kept, rows))]
}

async function store(run: Run, row: Growing, targets: readonly Target[], kept: string): Promise<void> {
  const samples = [...storedSeries(targets)].reduce((sum, { rows }) => sum + rows.length, 0)
  const set = row.key.slice(STORED.length + 1)
  await withPeers(run, row, async (peer, place) => {
    const values: (readonly Target[])[] = []
    const bytes = await peer.hold(targets, place, async (served) => {
      values.push(...(await keptOtherwise(peer.name, served, targets)))
    })
    const figure = bytes / samples
    if (row.ours >= figure) writeSets(kept, new Map(values.map((one) => [`${set}${AS_KEPT}${peer.name}`, one])))
    return figure
  })
}

/** A peer that is not exact stores less: ours for the values that it kept, beside its figure. */
async function asKept(
  { workspace, folder, signal }: Run,
  kept: string,
  rows: ReadonlyMap<string, Growing>,
): Promise<readonly Row[]> {
  if (readdirSync(kept).length === 0) return []
  const measured = await runHarness(workspace, { only: SIZE, sets: kept, handOver: folder, signal })
  return measured
    .filter(({ key }) => key.startsWith(`${STORED}.`))
    .map((one) => {
      const row = rowOf(one)
      const [origin = '', peer = ''] = row.key.split(AS_KEPT)
      const figure = rows.get(origin)?.peers[peer]
      if (figure !== undefined) row.peers[peer] = figure
      return row
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
