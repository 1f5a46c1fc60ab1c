import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { ComparesOtherwise, sameNumbers } from './compare.ts'
import { measure } from './measure.ts'
import type { Peer } from './peer.ts'
import { prometheus } from './prometheus.ts'
import { recoveryRows } from './recovery.ts'
import { Columns } from './scrape.ts'
import { type Target, parseScrape, scrapeText } from './scrapeFile.ts'
import { readSets } from './sets.ts'
import { snapshotRows } from './snapshot.ts'
import { type Row, asObject, asTable } from './table.ts'
import { isMerging, victoriaMetrics } from './victoriaMetrics.ts'

const workspace = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'rust-engine')
const nowMs = Date.UTC(2024, 0, 10)

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'bench-memory-test-'))
  const remove = () => {
    rmSync(folder, { recursive: true, force: true })
  }
  const result = use(folder)
  if (!(result instanceof Promise)) remove()
  return result instanceof Promise ? (result.finally(remove) as T) : result
}

const row: Row = {
  key: 'bytesPerSample.one',
  unit: 'B',
  better: 'lower',
  goal: 0.45,
  beatsPeers: true,
  ours: 0.4,
  peers: { gorilla: 1.35, prometheus: 1.5, victoriaMetrics: 0.5 },
  lacking: {},
}

test('a row tells ours, the peers, the ratio to the best of them, and whether the goal is met', () => {
  const one = (changed: Partial<Row>) => asObject([{ ...row, ...changed }])[row.key]
  assert.deepEqual(one({}), {
    unit: 'B',
    goal: 0.45,
    ours: 0.4,
    peers: { gorilla: 1.35, prometheus: 1.5, victoriaMetrics: 0.5 },
    ratio: 0.8,
    met: true,
    lacking: {},
  })
  assert.equal(one({ ours: 0.46 })?.met, false, 'under each peer, not under the goal')
  assert.equal(one({ goal: null, ours: 0.5 })?.met, false, 'as many as a peer')
  assert.equal(one({ goal: 0.3, beatsPeers: false })?.met, false)
  assert.equal(one({ goal: null, beatsPeers: false })?.met, null)
  assert.equal(one({ better: 'higher', goal: 0.4, beatsPeers: false })?.met, true)
  assert.equal(one({ better: 'higher', peers: { dd: 0.5, other: 0.2 } })?.ratio, 0.8)
})

test('a peer that is lacking is told with its reason, and decides no goal', () => {
  const without = { ...row, peers: { gorilla: 1.35 }, lacking: { prometheus: 'not installed' } }
  const told = asObject([without])[row.key]
  assert.deepEqual(told?.peers, { gorilla: 1.35, prometheus: null })
  assert.equal(told.met, null)
  assert.equal(asObject([{ ...without, ours: 2 }])[row.key]?.met, false, 'one peer is enough to miss it')
  assert.match(asTable([without]), /\| prometheus lacking|, prometheus lacking/)
  assert.match(asTable([without]), /^prometheus: not installed$/m)
})

test('a target survives its file: names with commas and quotes, absent and exact values', () => {
  const target: Target = {
    times: [1_700_000_000_001, 1_700_000_001_000],
    series: [
      { name: 'a{b="c,d"}', values: [0.1 + 0.2, NaN] },
      { name: 'plain', values: [NaN, 1e21] },
    ],
  }
  assert.deepEqual(parseScrape(scrapeText(target)), target)
  const unquoted = 'series,1,2\nup{},1,\n'
  assert.deepEqual(parseScrape(unquoted), { times: [1, 2], series: [{ name: 'up{}', values: [1, NaN] }] })
})

test('the header says which form a file of samples has', () => {
  inFolder((folder) => {
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    write('scrape.csv', 'series,1700000000000,1700000001000\nup{},1,+Inf\n')
    // A clock that was set back: of two samples of one time the first counts.
    write('cloud/a.csv', 'timestamp,value\n2014-01-01 00:10:00,2\n2014-01-01 00:05:00,1\n2014-01-01 00:10:00,3\n')
    write('cloud/b.csv', 'timestamp,value\n2014-01-01 00:05:00,1\n')
    write('load.csv', 't_s,cpu,mem\n0,1,2\n300,3,4\n')
    write('vms.csv', 'vm,metric,t0,t1\nx,cpu,1,2\nx,mem,3,\ny,cpu,5,6\n')
    write('other.csv', 'name,price\na,1\n')
    const sets = readSets([folder], nowMs)
    assert.deepEqual([...sets.keys()].sort(), ['cloud', 'load', 'scrape', 'vms'])
    const values = (set: string) => sets.get(set)?.map(({ series }) => series.map((one) => one.values))
    assert.deepEqual(values('scrape'), [[[1, NaN]]])
    assert.deepEqual(values('cloud'), [[[1, 2]], [[1]]])
    assert.deepEqual(values('load'), [
      [
        [1, 3],
        [2, 4],
      ],
    ])
    assert.deepEqual(values('vms'), [
      [
        [1, 2],
        [3, NaN],
      ],
      [[5, 6]],
    ])
    assert.deepEqual(sets.get('cloud')?.[0]?.times, [Date.UTC(2014, 0, 1, 0, 5), Date.UTC(2014, 0, 1, 0, 10)])
    for (const { times } of [...sets.values()].flat())
      assert.ok(
        times.every((time) => time > 0 && time <= nowMs),
        'peers hold the past only',
      )
    const [first, second] = sets.get('load')?.[0]?.times ?? []
    assert.equal((second ?? 0) - (first ?? 0), 300_000)
  })
})

test('scrapes become columns: series that come later or go, none that tells the machine', () => {
  const columns = new Columns()
  columns.add(1000, '# HELP a b\na{x="y z"} 1\nnode_uname_info{nodename="h"} 1\ngone 2\n')
  columns.add(1000, 'a{x="y z"} 1.5e+06\nlate +Inf\n')
  assert.deepEqual(columns.target(), {
    times: [1000, 1001],
    series: [
      { name: 'a{x="y z"}', values: [1, 1.5e6] },
      { name: 'gone', values: [2, NaN] },
      { name: 'late', values: [NaN, Infinity] },
    ],
  })
})

test('the merges of VictoriaMetrics are read from its metrics', () => {
  const metrics = (force: number, small: number, index: number) =>
    `vm_active_force_merges ${force}\nvm_active_merges{type="indexdb"} ${index}\nvm_active_merges{type="storage/small"} ${small}\n`
  assert.equal(isMerging(metrics(0, 0, 1)), false, 'the index is not counted')
  assert.equal(isMerging(metrics(1, 0, 0)), true)
  assert.equal(isMerging(metrics(0, 2, 0)), true)
  assert.throws(() => isMerging('vm_rows 1\n'))
})

test('an answer that is not ours stops the bench', () => {
  sameNumbers('a peer', 'step', [1, 0, 1e12 + 1e-3], [1, 0, 1e12])
  for (const theirs of [[1], [1, 2.001], [1, NaN]])
    assert.throws(() => {
      sameNumbers('a peer', 'step', theirs, [1, 2])
    }, ComparesOtherwise)
})

test('the bench of snapshots becomes rows; one that tells too little is refused', () => {
  const waits = '0 of them waited for the writer, 0.000 ms at most'
  const text = [
    `whole: 262157 of 262157 pages, 474 MiB/s, dd 150, ratio 3.16, cut 0.95 ms; slices 400: p50 0.100, p99 3.875, most 4.000 ms; changes 0: p50 0.000, p99 0.000, most 0.000 ms; ${waits}`,
    `whole, under change: 262157 of 262157 pages, 191 MiB/s, dd 250, ratio 0.76, cut 0.81 ms; slices 400: p50 0.100, p99 4.203, most 5.000 ms; changes 5592: p50 0.100, p99 0.498, most 0.700 ms; ${waits}`,
    `what changed: 90916 of 262209 pages, 135 MiB/s, dd 200, ratio 0.68, cut 6.56 ms; slices 400: p50 0.100, p99 6.870, most 7.000 ms; changes 2421: p50 0.100, p99 0.135, most 0.700 ms; ${waits}`,
  ]
  const rows = asObject(snapshotRows(text.join('\n')))
  const figures = Object.entries(rows).map(([key, { ours, goal, met }]) => [key, ours, goal, met])
  assert.deepEqual(figures, [
    ['snapshotSpeed', 474, 120, true],
    ['snapshotSpeedUnderChange', 191, 200, false],
    ['snapshotChangeP99', 0.498, 1, true],
    ['snapshotSliceP99', 4.203, 1, false],
  ])
  for (const missing of [0, 1]) assert.throws(() => snapshotRows(text.filter((_, n) => n !== missing).join('\n')))
})

test('the bench of recovery becomes rows; one that tells too little is refused', () => {
  const text = [
    '1987 MiB of snapshots in 31 s',
    'from the disk: restored in 9.1 s (6.5 s CPU), 1000000 events in 8.2 s (8.0 s CPU), together 17.3 s; peak 2301 MiB',
    '  longest time between two batches 12 ms',
    'from the page cache: restored in 5.1 s (6.5 s CPU), 1000000 events in 8.2 s (8.0 s CPU), together 13.3 s; peak 2301 MiB',
  ]
  const rows = asObject(recoveryRows(text.join('\n')))
  const figures = Object.entries(rows).map(([key, { ours, met, unit }]) => [key, ours, met, unit])
  const unit = 's, 1987 MiB of snapshots and 1000000 events'
  assert.deepEqual(figures, [
    ['recovery', 17.3, true, unit],
    ['recoveryFromPageCache', 13.3, true, unit],
  ])
  for (const missing of [0, 1, 3]) assert.throws(() => recoveryRows(text.filter((_, n) => n !== missing).join('\n')))
})

const ROWS = 300
const tiny: Target = {
  times: Array.from({ length: ROWS }, (_, row) => Date.UTC(2024, 0, 1) + row * 1000 + (row % 3)),
  series: Array.from({ length: 3 }, (_, n) => ({
    name: String(n),
    values: Array.from({ length: ROWS }, (_, row) => (row % 7 === n ? NaN : row * n + 0.1)),
  })),
}

async function measured(folder: string, peers: readonly Peer[], sets: Readonly<Record<string, Target>>) {
  const data = join(folder, 'data')
  mkdirSync(data)
  for (const [name, target] of Object.entries(sets)) writeFileSync(join(data, `${name}.csv`), scrapeText(target))
  const { signal } = new AbortController()
  const say = () => undefined
  const { rows, failures } = await measure({ workspace, folder, data: [data], only: 'size', peers, say, signal })
  assert.deepEqual(failures, [])
  return asObject(rows)
}

test('a run gives one object with a key for each row', () =>
  inFolder(async (folder) => {
    const absent: Peer = {
      name: 'prometheus',
      lacking: () => 'not installed',
      hold: () => Promise.reject(new Error('it is not there')),
    }
    const found = await measured(folder, [absent], { tiny })
    assert.deepEqual(Object.keys(found), ['bytesPerSample.tiny'])
    const one = found['bytesPerSample.tiny']
    assert.ok(one !== undefined && one.ours > 0 && one.ours < 16)
    assert.deepEqual(Object.keys(one.peers), ['gorilla', 'prometheus'])
    assert.equal(one.ratio, one.ours / (one.peers['gorilla'] ?? NaN))
    assert.deepEqual(one.lacking, { prometheus: 'not installed' })
  }))

/** More digits than VictoriaMetrics keeps. */
const digits: Target = {
  times: tiny.times,
  series: [{ name: '0', values: tiny.times.map((_, row) => Math.sin(row * row)) }],
}

test(
  'where a peer keeps less than it was given, ours is told for what it kept',
  { skip: victoriaMetrics.lacking() ?? false },
  () =>
    inFolder(async (folder) => {
      const found = await measured(folder, [victoriaMetrics], { digits })
      assert.deepEqual(Object.keys(found), ['bytesPerSample.digits', 'bytesPerSample.digits.asKeptBy.victoriaMetrics'])
      const [given, kept] = Object.values(found)
      assert.deepEqual(kept?.peers['victoriaMetrics'], given?.peers['victoriaMetrics'])
      assert.ok((kept?.ours ?? NaN) < (given?.ours ?? NaN), 'fewer digits take less')
    }),
)

const present = [prometheus, victoriaMetrics].filter((peer) => peer.lacking() === null)

test(
  'peers that are there hold the same samples',
  { skip: present.length === 0 && 'neither Prometheus nor VictoriaMetrics on this machine (--install brings them)' },
  () =>
    inFolder(async (folder) => {
      const found = await measured(folder, present, { tiny })
      for (const { name } of present) {
        const bytes = found['bytesPerSample.tiny']?.peers[name] ?? NaN
        assert.ok(bytes > 0 && bytes < 16, `${name}: ${bytes} B a sample`)
      }
    }),
)
