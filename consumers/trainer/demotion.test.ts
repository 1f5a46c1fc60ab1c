/** A champion that falls behind loses its place by itself, or by an operator, and what was decided outlives a restart. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { chooseBackend } from '../models/backend.ts'
import { FEATURES, FEATURE_NAMES } from '../models/features.ts'
import { createRandom } from '../models/random.ts'
import { createShelf } from '../models/shelf.ts'
import { TRAINING, trainClassifier } from '../models/train.ts'
import { digestOf, serialise } from '../models/weights.ts'
import { createCourse } from './course.ts'
import type { Course } from './course.ts'
import { causeOf } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import type { ScoredRow } from './scoredRow.ts'
import { scoredRow } from './scoredRowUnderTest.ts'
import { silentTelemetry } from './silentTelemetry.ts'
import { NothingToRollBackTo } from './slots.ts'
import type { Version } from './slots.ts'

const MODEL = 'ci_run'
const schedule = { minSamples: 100, intervalMs: 3_600_000 }
const DRIVER = FEATURE_NAMES.indexOf('service.fast')

/** Success hangs on the sign of one feature: `sense` 1 or −1 says which. */
function rowsOf(count: number, from: number, sense: number, over: (one: ScoredRow) => Partial<ScoredRow> = () => ({})) {
  const random = createRandom(from + 1)
  return Array.from({ length: count }, (_, k) => {
    const features = new Float32Array(FEATURES)
    features[DRIVER] = random() < 0.5 ? 1 : -1
    const success = random() < ((features[DRIVER] ?? 0) * sense > 0 ? 0.95 : 0.05)
    const row = scoredRow(from + k, { features, success, baseRate: 0.5, pSuccess: 0.5 })
    return { ...row, ...over(row) }
  })
}

function trained(sense: number, seed: number): Version {
  const quick = { ...TRAINING, networks: { ...TRAINING.networks, members: 1, hidden: [8] }, seed }
  const weights = serialise(trainClassifier(rowsOf(300, seed * 10_000, sense), quick))
  return { version: digestOf(weights), card: '{}', weights }
}

/** What a champion of that sense would have said. */
const saidBy =
  ({ version }: Version, sense: number) =>
  (row: ScoredRow) => ({
    modelVersion: version,
    pSuccess: (row.features[DRIVER] ?? 0) * sense > 0 ? 0.9 : 0.1,
  })

/** The topic as one who reads it from the beginning finds it. */
class Topic {
  readonly records = new Map<string, ModelOutgoing>()

  write(records: readonly ModelOutgoing[]): readonly string[] {
    for (const record of records) {
      // Compaction keeps the newest of a key, in the place where that was written.
      this.records.delete(record.key)
      if (record.value !== null) this.records.set(record.key, record)
    }
    return records.map(({ key, value }) => `${key.split('/').at(-1)} ${value?.stage ?? 'gone'} ${value?.cause ?? ''}`)
  }

  async read() {
    const shelf = createShelf([MODEL])
    for (const { value } of this.records.values()) if (value !== null) await shelf.accept(value)
    return shelf
  }

  async restarted(): Promise<Course> {
    const course = createCourse(MODEL, schedule, silentTelemetry)
    for (const { stage, version, card, since, cause } of (await this.read()).list()) {
      const weights = this.records.get(`weights/${version}`)?.value?.weights
      assert.ok(weights)
      course.remember(stage, { version, card, weights, since, cause: causeOf(cause) })
    }
    return course
  }
}

let upright: Version
let older: Version
let inverted: Version
before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
  upright = trained(1, 1)
  older = trained(1, 2)
  inverted = trained(-1, 3)
})

/** `first` is champion, then `second` beats it; both by outcomes that they answered in the shadow. */
function promotedTwice(first: Version, second: Version) {
  const topic = new Topic()
  const course = createCourse(MODEL, schedule, silentTelemetry)
  const promote = (version: Version, from: number, answering: (row: ScoredRow) => Partial<ScoredRow>) => {
    topic.write(course.learnt({ ...version, sha256: version.version, heldOut: null }, from * 1000))
    const rows = rowsOf(60, from, 1, (row) => ({
      ...answering(row),
      challengerVersion: version.version,
      challengerP: row.success ? 0.97 : 0.03,
    }))
    for (const row of rows) course.add(row)
    return topic.write(course.judge((from + 60) * 1000))
  }
  assert.deepEqual(
    promote(first, 0, () => ({})),
    ['champion champion won'],
  )
  assert.deepEqual(promote(second, 60, saidBy(first, 1)), ['champion champion won', 'previous previous superseded'])
  const feed = (rows: readonly ScoredRow[], to = course) => {
    for (const row of rows) to.add(row)
  }
  return { topic, course, feed }
}

test('the version before comes back where it still answers better than the base rate, and a restart knows it', async () => {
  const { topic, course, feed } = promotedTwice(older, inverted)
  const bad = rowsOf(60, 121, 1, saidBy(inverted, -1))
  feed(bad.slice(0, 30))
  assert.deepEqual(course.judge(150_000), [], 'one look is not enough')
  feed(bad.slice(30))
  assert.deepEqual(topic.write(course.judge(180_000)), ['champion champion fell_back', 'previous previous demoted'])

  const shelf = await topic.read()
  assert.equal(shelf.champion(MODEL)?.version, older.version)
  const again = await topic.restarted()
  feed([...bad, ...rowsOf(30, 180, 1, saidBy(older, 1))], again)
  assert.deepEqual(again.judge(220_000), [])
  assert.deepEqual(
    [again.holder('champion')?.cause, again.holder('previous')?.version],
    ['fell_back', inverted.version],
  )
})

test('where the version before is no better, the base rate answers', async () => {
  const { topic, course, feed } = promotedTwice(older, upright)
  // What means success and failure changes sides.
  feed(rowsOf(90, 120, -1, saidBy(upright, 1)))
  assert.deepEqual(topic.write(course.judge(210_000)), [
    'champion retired demoted',
    'previous previous demoted',
    `${older.version} gone `,
  ])
  const shelf = await topic.read()
  assert.equal(shelf.champion(MODEL), null)
  assert.deepEqual(
    shelf.list().map(({ stage, version }) => [stage, version]),
    [['previous', upright.version]],
  )
})

test('a rollback brings the version before back, once; outcomes from before it turn nobody out', async () => {
  const { topic, course, feed } = promotedTwice(older, upright)
  const bad = rowsOf(90, 120, -1, saidBy(upright, 1))
  feed(bad)
  topic.write(course.judge(210_000))
  const back = course.rollBack(null, 220_000)
  assert.deepEqual([back.from, back.to, back.changed], ['base-rate', upright.version, true])
  assert.deepEqual(topic.write(back.records), ['champion champion rolled_back', 'previous gone '])
  feed(rowsOf(40, 220, 1, saidBy(upright, 1)))
  assert.deepEqual(course.judge(270_000), [])
  assert.equal((await topic.read()).champion(MODEL)?.version, upright.version)

  const again = await topic.restarted()
  feed([...bad, ...rowsOf(40, 220, 1, saidBy(upright, 1))], again)
  assert.deepEqual(again.judge(280_000), [])
  assert.throws(() => again.rollBack(null, 290_000), NothingToRollBackTo)
})

test('a second rollback changes nothing, by name it is undone, and what was taken back does not come by itself', async () => {
  const { topic, course, feed } = promotedTwice(older, upright)
  const first = course.rollBack(null, 130_000)
  assert.deepEqual(topic.write(first.records), ['champion champion rolled_back', 'previous previous rolled_back'])
  assert.deepEqual(course.rollBack(null, 131_000), {
    from: older.version,
    to: older.version,
    changed: false,
    records: [],
  })
  assert.equal(course.rollBack(older.version, 132_000).changed, false)
  assert.throws(() => course.rollBack('0123456789', 133_000), NothingToRollBackTo)

  const restarted = await topic.restarted()
  assert.equal(restarted.rollBack(null, 134_000).changed, false)
  const undone = restarted.rollBack(upright.version.slice(0, 10), 135_000)
  assert.deepEqual([undone.from, undone.to], [older.version, upright.version])

  // The champion says the opposite of what happens; the version that was taken back would be right.
  feed(rowsOf(90, 140, 1, saidBy(older, -1)))
  assert.deepEqual(topic.write(course.judge(240_000)).slice(0, 2), [
    'champion retired demoted',
    'previous previous demoted',
  ])
})

test('a rollback to the base rate keeps who answered, and without a champion it is so already', () => {
  const { topic, course } = promotedTwice(older, upright)
  assert.deepEqual(topic.write(course.rollBack('base-rate', 130_000).records), [
    'champion retired rolled_back',
    'previous previous rolled_back',
    `${older.version} gone `,
  ])
  assert.equal(course.rollBack('base-rate', 131_000).changed, false)
  const fresh = createCourse(MODEL, schedule, silentTelemetry)
  assert.throws(() => fresh.rollBack(null, 0), NothingToRollBackTo)
})
