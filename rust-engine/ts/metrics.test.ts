import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import snappy from 'snappyjs'
import type { ShardDoor } from './door.ts'
import { openEngine } from './engine.ts'
import { BlockInvalid, ReadsBusy, RecordInvalid, RemoteWriteInvalid, ShardGone, SharedMemoryRefused } from './errors.ts'
import type { Matcher } from './records.ts'
import { createRemoteWriteDecoder } from './remoteWrite.ts'

const MIB = 1024 * 1024
const SCRAPE_MS = 15_000
const START = 1_700_000_000_000
/** Stands for the stale marker, whose bits a JavaScript number may lose; put in after encoding. */
const STALE = -123_456.789
const STALE_BYTES = Buffer.from('020000000000f07f', 'hex')

const { root } = protobuf.parse(`syntax = "proto3";
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message WriteRequest { repeated TimeSeries timeseries = 1; }`)
const writeRequest = root.lookupType('WriteRequest')

interface Written {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly (readonly [number, number])[]
}

/** A body as Prometheus sends it, made by independent libraries. */
function bodyOf(series: readonly Written[]): Uint8Array {
  const timeseries = series.map(({ labels, samples }) => ({
    labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
    samples: samples.map(([timestamp, value]) => ({ timestamp, value })),
  }))
  const message = Buffer.from(writeRequest.encode({ timeseries }).finish())
  const stand = Buffer.alloc(8)
  stand.writeDoubleLE(STALE)
  for (let at = message.indexOf(stand); at >= 0; at = message.indexOf(stand)) STALE_BYTES.copy(message, at)
  return snappy.compress(message)
}

const LIMITS = { seriesMax: 2_000, samplesMax: 20_000, decodedBytesMax: 8 * MIB, labelBytesMax: 4_096 }

const open = (infrastructureMib = 40) =>
  openEngine({
    poolBytes: (infrastructureMib + 3) * MIB,
    quotaBytes: {
      infrastructure_state: infrastructureMib * MIB,
      deployment_history: MIB,
      incident_database: MIB,
      active_operations: MIB,
    },
    borrowBytesMax: { infrastructure_state: 0, deployment_history: 0, incident_database: 0, active_operations: 0 },
    shards: 12,
  })

const labelsOf = (name: string, target = 'host:9100') => ({ __name__: name, instance: target, job: 'node' })

/** Scrapes of `names` series, written through the decoder into the shard. */
function scrape(shard: ShardDoor, names: number, from: number, to: number, value: (row: number, i: number) => number) {
  const decoder = createRemoteWriteDecoder(LIMITS)
  for (let row = from; row < to; row++) {
    const at = START + row * SCRAPE_MS
    const body = bodyOf(
      Array.from({ length: names }, (_, i) => ({ labels: labelsOf(`m${i}`), samples: [[at, value(row, i)]] as const })),
    )
    for (const batch of decoder.decode(body, at).batches)
      shard.applyMetrics(batch.target, 'production/node', batch.announced, batch.block)
  }
}

function read(shard: ShardDoor, name: string, from: number, to: number, stepMs = 0, aggregation = 'last' as const) {
  const [info] = shard.series('production/node', [{ name: '__name__', op: '=', value: name }], 2, null).items
  assert.ok(info)
  const [times, values] = [new Float64Array(2_000), new Float64Array(2_000)]
  const n = shard.range(info.id, from, to, stepMs, aggregation, times, values)
  return { times: times.subarray(0, n), values: values.subarray(0, n) }
}

test('what Prometheus wrote is read back equal, over heads and sealed chunks', () => {
  const shard = open().createShard(0)
  scrape(shard, 260, 0, 200, (row, i) => row * 1.25 + i)
  const { times, values } = read(shard, 'm257', START + 10 * SCRAPE_MS, START + 190 * SCRAPE_MS)
  assert.equal(values.length, 180)
  values.forEach((value, k) => {
    assert.deepEqual([times[k], value], [START + (k + 10) * SCRAPE_MS, (k + 10) * 1.25 + 257])
  })
  assert.deepEqual(shard.service('production/node'), {
    service: 'production/node',
    environment: 'production',
    firstSeenAt: START,
    lastEventAt: START + 199 * SCRAPE_MS,
    deployments: 0,
    ciRuns: 0,
    openIncidents: 0,
    series: 260,
  })
})

test('more samples of a series than one record may hold are all kept', () => {
  const shard = open().createShard(0)
  const samples = Array.from({ length: 70_000 }, (_, i) => [START + i * 100, i] as const)
  const limits = { ...LIMITS, samplesMax: 2_000_000 }
  const { batches } = createRemoteWriteDecoder(limits).decode(
    bodyOf([{ labels: labelsOf('m0'), samples }]),
    START + 7_000_000,
  )
  const applied = batches.map(
    ({ target, announced, block }) => shard.applyMetrics(target, 'production/node', announced, block).applied,
  )
  assert.ok(applied.length > 1, 'one record has no room for all')
  assert.equal(
    applied.reduce((sum, count) => sum + count, 0),
    70_000,
  )
  const { times, values } = read(shard, 'm0', START + 65_500 * 100, START + 65_600 * 100)
  assert.deepEqual(
    [...values],
    samples.slice(65_500, 65_600).map(([, value]) => value),
  )
  assert.equal(times[0], START + 65_500 * 100)
})

test('several series are read at once, each into its share, and no more rows than allowed', () => {
  const shard = open().createShard(0)
  scrape(shard, 3, 0, 400, (row, i) => row + 1000 * i)
  const found = shard.series('production/node', [], 3, null).items
  const ids = [...found.map(({ id }) => id), 'f'.repeat(32)]
  const [times, values, counts] = [new Float64Array(400), new Float64Array(400), new Float64Array(4)]
  const [from, to] = [START + 120 * SCRAPE_MS, START + 200 * SCRAPE_MS]
  assert.equal(shard.ranges(ids, from, to, 0, 'last', 1_000_000, times, values, counts), true)
  assert.deepEqual([...counts], [80, 80, 80, 0])
  for (const [i, { labels }] of found.entries()) {
    const one = read(shard, labels['__name__'] ?? '', from, to)
    assert.deepEqual(times.slice(i * 100, i * 100 + 80), one.times.slice())
    assert.deepEqual(values.slice(i * 100, i * 100 + 80), one.values.slice())
  }
  assert.equal(shard.ranges(ids, from, to, 0, 'last', 300, times, values, counts), false)
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    80,
  )
  const short = new Float64Array(2)
  assert.throws(() => shard.ranges(ids, from, to, 0, 'last', 1, times, values, short), RecordInvalid)
})

test('a large read gives what ranges does, slice by slice, and a few at once', async () => {
  const shard = open().createShard(0)
  scrape(shard, 60, 0, 400, (row, i) => row + 1000 * i)
  const ids = [...shard.series('production/node', [], 100, null).items.map(({ id }) => id), 'f'.repeat(32)]
  const [from, to] = [START, START + 400 * SCRAPE_MS]
  const [times, values] = [new Float64Array(1_000 * ids.length), new Float64Array(1_000 * ids.length)]
  const counts = new Float64Array(ids.length)
  shard.ranges(ids, from, to, 0, 'last', 1_000_000, times, values, counts)
  const reads = Array.from({ length: 6 }, () => shard.readRanges(ids, from, to, 0, 'last', 1_000_000, 1_000))
  for (const { isWhole, coarseUntil, series } of await Promise.all(reads)) {
    assert.deepEqual([isWhole, coarseUntil, series.length], [true, null, ids.length])
    for (const [i, one] of series.entries()) {
      const share = [i * 1_000, i * 1_000 + (counts[i] ?? 0)] as const
      assert.deepEqual([one.times, one.values], [times.slice(...share), values.slice(...share)])
    }
  }
  // Of each series 256 rows are sealed; what is in the head is not counted.
  const few = await shard.readRanges(ids, from, to, 0, 'last', 50 * 256, 1_000)
  assert.deepEqual([few.isWhole, few.series.filter((one) => one.times.length > 0).length], [false, 50])
})

test('other work has its turn between the slices of a large read, and is seen by those after it', async () => {
  const shard = open().createShard(0)
  scrape(shard, 200, 0, 200, (row, i) => row + i)
  const ids = shard.series('production/node', [], 200, null).items.map(({ id }) => id)
  let turns = 0
  let isRead = false
  const work = (): void => {
    if (isRead) return
    scrape(shard, 200, 200 + turns, 201 + turns, (row, i) => row + i)
    turns += 1
    setImmediate(work)
  }
  setImmediate(work)
  const { series } = await shard.readRanges(ids, START, Number.MAX_SAFE_INTEGER, 0, 'last', 1_000_000, 1_000)
  isRead = true
  assert.ok(turns >= 2, `${turns} turns`)
  const lengths = series.map(({ times }) => times.length)
  assert.equal(Math.min(...lengths), 200, 'the first slice is as it was when it was asked for')
  assert.ok(Math.max(...lengths) > 200, 'a later one has what came in between')
})

test('large reads that are too many, wrong, or of a shard that goes are refused by name', async () => {
  const shard = open().createShard(0)
  scrape(shard, 60, 0, 10, (row) => row)
  const ids = shard.series('production/node', [], 100, null).items.map(({ id }) => id)
  const read = (seriesIds: readonly string[]) => shard.readRanges(seriesIds, 0, 2 * START, 0, 'last', 10_000, 1_000)
  const busy = (await Promise.allSettled(Array.from({ length: 70 }, () => read(ids)))).filter(
    (one) => one.status === 'rejected',
  )
  assert.deepEqual([busy.length, busy.every(({ reason }) => reason instanceof ReadsBusy)], [4, true])
  await assert.rejects(read(['no hex']), RecordInvalid)
  assert.deepEqual(await read([]), { series: [], isWhole: true, coarseUntil: null })
  const dropped = read(ids)
  shard.drop()
  await assert.rejects(dropped, ShardGone)
})

test('steps aggregate; stale markers are skipped', () => {
  const shard = open().createShard(0)
  scrape(shard, 1, 0, 40, (row) => (row % 4 === 3 ? STALE : row))
  const minute = 4 * SCRAPE_MS
  const [info] = shard.series(null, [], 5, null).items
  assert.deepEqual(info?.labels, labelsOf('m0'))
  const wanted = { last: [2, 6], avg: [1, 5], min: [0, 4], max: [2, 6], sum: [3, 15], count: [3, 3] } as const
  for (const aggregation of ['last', 'avg', 'min', 'max', 'sum', 'count'] as const) {
    const [times, values] = [new Float64Array(20), new Float64Array(20)]
    const n = shard.range(info.id, START, START + 40 * SCRAPE_MS, minute, aggregation, times, values)
    assert.equal(n, 10)
    assert.deepEqual([...values.subarray(0, 2)], wanted[aggregation])
    assert.deepEqual([...times.subarray(0, 2)], [START, START + minute])
  }
  const short = [new Float64Array(3), new Float64Array(3)] as const
  assert.equal(shard.range(info.id, START, START + 40 * SCRAPE_MS, minute, 'last', ...short), 3)
})

test('a repeat is dropped, a partial scrape completed, an old sample counted', () => {
  const shard = open().createShard(0)
  scrape(shard, 2, 0, 300, (row) => row)
  const decoder = createRemoteWriteDecoder(LIMITS)
  const write = (name: string, row: number) => {
    const samples = [[START + row * SCRAPE_MS, 5]] as const
    const [batch] = decoder.decode(bodyOf([{ labels: labelsOf(name), samples }]), START + 300 * SCRAPE_MS).batches
    assert.ok(batch)
    return shard.applyMetrics(batch.target, 'production/node', batch.announced, batch.block)
  }
  const none = { applied: 0, duplicates: 0, outOfOrder: 0, unannounced: 0 }
  assert.deepEqual(write('m1', 299), { ...none, duplicates: 1 })
  assert.deepEqual(write('m1', 3), { ...none, outOfOrder: 1 })
  assert.deepEqual(write('m2', 299), { ...none, applied: 1 })
})

test('series without announcement are kept by hash and named once announced', () => {
  const shard = open().createShard(0)
  const decoder = createRemoteWriteDecoder(LIMITS)
  const write = (at: number, announce: boolean) => {
    const [batch] = decoder.decode(bodyOf([{ labels: labelsOf('m'), samples: [[at, 1]] }]), at).batches
    assert.ok(batch)
    const announced = announce ? batch.announced : new Uint8Array()
    return shard.applyMetrics(batch.target, 'production/node', announced, batch.block).unannounced
  }
  assert.equal(write(START, false), 1)
  assert.deepEqual(
    shard.series(null, [], 9, null).items.map((series) => series.labels),
    [{}],
  )
  decoder.forget('{instance="host:9100",job="node"}')
  assert.equal(write(START + 1, true), 0)
  assert.equal(read(shard, 'm', START, START + 2).values.length, 2)
})

test('matchers select; a label that is missing is empty', () => {
  const shard = open().createShard(0)
  scrape(shard, 10, 0, 1, () => 1)
  const find = (name: string, op: Matcher['op'], value: string) =>
    shard.series('production/node', [{ name, op, value }], 100, null).items.length
  const counts: readonly [string, Matcher['op'], string, number][] = [
    ['__name__', '=', 'm3', 1],
    ['__name__', '!=', 'm3', 9],
    ['__name__', '=~', 'm[3-5]', 3],
    ['__name__', '=~', '[3-5]', 0],
    ['__name__', '!~', 'm3|m4', 8],
    ['zone', '!=', 'a', 10],
    ['zone', '=', '', 10],
    ['zone', '=~', '.*', 10],
    ['zone', '=~', '.+', 0],
    ['zone', '!~', '.*', 0],
  ]
  for (const [name, op, value, count] of counts) assert.equal(find(name, op, value), count, `${name}${op}${value}`)
  assert.equal(shard.series('production/other', [], 100, null).items.length, 0)
})

test('series come in the order of their ids, page after page; values of a label in theirs', () => {
  const shard = open().createShard(0)
  scrape(shard, 10, 0, 1, () => 1)
  const whole = shard.series('production/node', [], 10, null)
  assert.equal(whole.truncated, false)
  const ids = whole.items.map(({ id }) => id)
  assert.deepEqual(ids, ids.toSorted())
  const first = shard.series('production/node', [], 4, null)
  const rest = shard.series('production/node', [], 6, first.items.at(-1)?.id ?? null)
  assert.deepEqual([first.truncated, rest.truncated], [true, false])
  assert.deepEqual([...first.items, ...rest.items], whole.items)
  assert.deepEqual(shard.labelValues('production/node', '__name__', 2), { items: ['m0', 'm1'], truncated: true })
  assert.deepEqual(shard.labelValues('production/node', 'job', 2), { items: ['node'], truncated: false })
  assert.deepEqual(shard.labelValues('production/other', 'job', 2), { items: [], truncated: false })
})

test('a matcher that is wrong is named with its place', () => {
  const shard = open().createShard(0)
  scrape(shard, 1, 0, 1, () => 1)
  const wrong = [
    { name: 'job', op: '=', value: 'node' },
    { name: 'job', op: '=~', value: 'no(de' },
  ] as const
  assert.throws(
    () => shard.series(null, wrong, 1, null),
    (error) => {
      assert.ok(error instanceof RecordInvalid)
      assert.deepEqual([error.field, error.reason], ['matchers.1.value', 'unclosed group at character 3: ('])
      return true
    },
  )
})

test('a full region drops its oldest samples and keeps the newest', () => {
  const engine = open(4)
  const shard = engine.createShard(0)
  let noise = 1
  const random = () => (noise = (noise * 48_271) % 2_147_483_647) / 2_147_483_647
  const evicted = () => engine.memory().regions[0]?.evicted ?? 0
  let row = 0
  for (; evicted() === 0 && row < 100_000; row += 200) scrape(shard, 10, row, row + 200, random)
  assert.ok(evicted() > 0, 'never full')
  const { times } = read(shard, 'm1', 0, Number.MAX_SAFE_INTEGER)
  assert.ok((times[0] ?? 0) > START, 'the oldest went')
  assert.equal(read(shard, 'm1', START + (row - 10) * SCRAPE_MS, Number.MAX_SAFE_INTEGER).values.length, 10)
})

test('series survive snapshot and restore', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const engine = open()
  const shard = engine.createShard(2)
  scrape(shard, 50, 0, 200, (row, i) => row * i)
  const hash = shard.stateHash()
  await shard.snapshot(join(folder, 'snapshots'), 'w', {}, 0)
  shard.drop()
  const restored = await engine.restoreShard(2, join(folder, 'snapshots'), {})
  assert.ok(restored.shard)
  assert.equal(restored.shard.stateHash(), hash)
  assert.equal(read(restored.shard, 'm7', START, START + 200 * SCRAPE_MS).values[150], 1_050)
  scrape(restored.shard, 50, 200, 300, (row, i) => row * i)
  assert.equal(read(restored.shard, 'm7', START, START + 300 * SCRAPE_MS).values.length, 300)
})

test('malformed bodies and blocks are refused by name, whatever the bytes', () => {
  const decoder = createRemoteWriteDecoder(LIMITS)
  const shard = open().createShard(0)
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(bytes, fc.boolean(), (body, compressed) => {
      assert.doesNotThrow(() => {
        try {
          decoder.decode(compressed ? snappy.compress(body) : body, 0)
        } catch (error) {
          assert.ok(error instanceof RemoteWriteInvalid && error.field !== '', String(error))
        }
      })
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(bytes, bytes, (announced, block) => {
      assert.throws(() => shard.applyMetrics('t', 's/x', announced, block), BlockInvalid)
    }),
    { numRuns: 500 },
  )
  const shared = new Uint8Array(new SharedArrayBuffer(8))
  assert.throws(() => decoder.decode(shared, 0), SharedMemoryRefused)
  assert.throws(() => shard.applyMetrics('t', 's/x', new Uint8Array(), shared), SharedMemoryRefused)
  const out = new Float64Array(1)
  assert.throws(() => shard.range('no hex', 0, 1, 0, 'last', out, out.slice()), RecordInvalid)
})
