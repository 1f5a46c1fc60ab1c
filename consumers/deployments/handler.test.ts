import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SCORE_FIELDS, SCORE_WIDTH } from '../../rust-engine/ts/records.ts'
import type { Conclusion, DeploymentEvent, LedgerEntry } from '../../schemas/generated/events.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { keepScore } from '../ledger/score.ts'
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import { reattach } from './handler.ts'
import { deps, event, feature, newEngine, pipeline, run, SERVICE, START } from './handlerUnderTest.ts'
import type { OutcomeLabel } from './outcome.ts'

test('an attempt gives one headline at its start and one scored entry that repeats it', () => {
  const { passAll, shard } = pipeline()
  const [headline, scored, ...more] = passAll(run(1, 'failure'))
  assert.ok(headline && scored)
  assert.deepEqual(more, [])
  assert.equal(headline.kind, 'headline')
  assert.equal(headline.modelVersion, 'base-rate')
  assert.equal(headline.pSuccess, 0.8)
  assert.equal(headline.answerClass, 'not_enough_evidence')
  assert.equal(headline.featureSet, FEATURE_SET)
  assert.equal(headline.features.length, FEATURES)
  assert.equal(headline.success, null)
  const { id, kind, occurredAt, receivedAt, success, durationSeconds, outcomeAt, ...repeated } = scored
  assert.deepEqual([kind, success, durationSeconds], ['scored', false, 30])
  assert.equal(outcomeAt, occurredAt)
  assert.ok(receivedAt > headline.receivedAt && id !== headline.id)
  for (const [name, value] of Object.entries(repeated))
    assert.deepEqual(value, headline[name as keyof LedgerEntry], name)
  assert.equal(shard.deployment(headline.service, headline.subjectKey)?.prediction, null)
})

test('outcomes move the features and the base rate of the next attempt; the time is local', () => {
  const { passAll } = pipeline()
  for (let i = 0; i < 5; i++) passAll(run(i, 'failure'))
  const [headline] = passAll(run(9, 'success'))
  assert.ok((headline?.baseRate ?? 1) < 0.45)
  assert.equal(feature(headline, 'service.last'), 1)
  assert.ok((feature(headline, 'service.count') ?? 0) > Math.log1p(4.9))
  assert.equal(feature(headline, 'time.hourSin'), Math.fround(Math.sin((2 * Math.PI * (10 + 9 / 60)) / 24)))
  assert.ok((headline?.durationP50 ?? 0) > 29 && (headline?.durationP50 ?? 0) < 31)
})

test('cancelled and gated attempts are censored: no outcome, no trace in the past', () => {
  const { passAll } = pipeline()
  for (const [i, conclusion] of (['cancelled', 'skipped', 'neutral', 'action_required', 'stale'] as const).entries()) {
    const [, closed] = passAll(run(i, conclusion))
    assert.deepEqual([closed?.kind, closed?.success, closed?.durationSeconds], ['censored', null, null])
  }
  const [headline] = passAll(run(20, 'success'))
  assert.equal(feature(headline, 'service.count'), 0)
  assert.equal(headline?.baseRate, 0.8)
})

test('what failed is run again: the late end of the former attempt is scored, and so is the new one', () => {
  const { passAll } = pipeline()
  const at = (attempt: number, phase: DeploymentEvent['phase'], seconds: number, conclusion: Conclusion | null) =>
    event({ attempt, phase, conclusion, occurredAt: START + seconds * 1000 })
  const entries = passAll([
    at(1, 'requested', 0, null),
    at(1, 'started', 10, null),
    at(2, 'requested', 100, null),
    at(1, 'finished', 70, 'failure'),
    at(2, 'started', 110, null),
    at(2, 'finished', 150, 'success'),
  ])
  assert.deepEqual(
    entries.map(({ kind, attempt, success, durationSeconds }) => [kind, attempt, success, durationSeconds]),
    [
      ['headline', 1, null, null],
      ['headline', 2, null, null],
      ['scored', 1, false, 60],
      ['scored', 2, true, 40],
    ],
  )
  assert.equal(entries[2]?.predictionId, entries[0]?.predictionId)
  assert.deepEqual(entries[2]?.features, entries[0]?.features)
  const [next] = passAll([event({ key: 'next', occurredAt: START + 200_000 })])
  assert.equal(feature(next, 'service.count'), Math.fround(Math.log1p(2)))
})

test('an attempt that two later ones overtook, or that is rolled back without a conclusion, is censored once', () => {
  const { passAll } = pipeline()
  const at = (attempt: number, phase: DeploymentEvent['phase'], conclusion: Conclusion | null = null) =>
    event({ attempt, phase, conclusion, occurredAt: START + attempt * 1000 })
  const entries = passAll([
    at(1, 'requested'),
    at(2, 'requested'),
    at(3, 'requested'),
    at(1, 'finished', 'failure'),
    at(3, 'rolled_back'),
    at(3, 'rolled_back'),
    at(3, 'finished', 'failure'),
  ])
  assert.deepEqual(
    entries.map(({ kind, attempt, success }) => [kind, attempt, success]),
    [
      ['headline', 1, null],
      ['headline', 2, null],
      ['censored', 1, null],
      ['headline', 3, null],
      ['censored', 3, null],
    ],
  )
  const [headline] = passAll([event({ key: 'next', occurredAt: START + 200_000 })])
  assert.equal(feature(headline, 'service.count'), 0)
  // The second attempt alone: nobody waits for the first any more.
  assert.equal(feature(headline, 'service.pending'), Math.fround(Math.log1p(1)))
})

test('an attempt that opens and ends in one event teaches, but counts in no live score', () => {
  const closed: [OutcomeLabel, boolean][] = []
  const telemetry = {
    ...deps.telemetry,
    closed: (_: string, ...told: [OutcomeLabel, boolean]) => void closed.push(told),
  }
  const { passAll } = pipeline(newEngine(), { ...deps, telemetry })
  passAll(run(1, 'success'))
  const [headline, scored] = passAll([
    event({ key: 'x', phase: 'finished', conclusion: 'failure', occurredAt: START + 900_000 }),
  ])
  assert.deepEqual([headline?.kind, scored?.kind, scored?.success], ['headline', 'scored', false])
  assert.ok(headline?.backfilled === true && scored?.backfilled === true)
  assert.deepEqual(closed, [
    ['success', false],
    ['failed', true],
  ])
  // From the state before its outcome, all the same.
  assert.equal(feature(headline, 'service.last'), -1)
  assert.equal(scored.durationSeconds, null)
  const [next] = passAll([event({ key: 'y', occurredAt: START + 1_000_000 })])
  assert.equal(feature(next, 'service.last'), 1)
  assert.equal(next?.backfilled, false)
})

test('the same key in two services is two subjects: in one shard, over a restart, and in different shards', () => {
  const near = Array.from({ length: 100 }, (_, i) => `production/s${i}`).find(
    (name) => partitionOf(name) === partitionOf(SERVICE),
  )
  const far = Array.from({ length: 100 }, (_, i) => `production/s${i}`).find(
    (name) => partitionOf(name) !== partitionOf(SERVICE),
  )
  assert.ok(near !== undefined && far !== undefined)
  const key = 'ci:build/1'
  const engine = newEngine()
  const [one, other, restored] = [pipeline(engine), pipeline(engine, deps, far), pipeline()]
  const started = [event({ key }), event({ key, service: near })]
  const headlines = one.passAll(started)
  const [elsewhere] = other.passAll([event({ key, service: far })])
  assert.equal(new Set([...headlines, elsewhere].map((entry) => entry?.predictionId)).size, 3)

  restored.passAll(started, 'replay')
  for (const entry of headlines) assert.ok(reattach(entry, restored.shard))
  for (const { passAll } of [one, restored]) {
    const ended = passAll([
      event({ key, service: near, phase: 'finished', conclusion: 'failure', occurredAt: START + 1000 }),
      event({ key, phase: 'finished', conclusion: 'success', occurredAt: START + 2000 }),
    ])
    assert.deepEqual(
      ended.map(({ service, success, predictionId }) => [service, success, predictionId]),
      [
        [near, false, headlines[1]?.predictionId],
        [SERVICE, true, headlines[0]?.predictionId],
      ],
    )
  }
})

test('what was closed is kept as a score of its service, subject and time, the backfilled marked', () => {
  const { passAll, shard } = pipeline()
  for (const [i, conclusion] of (['success', 'failure', 'cancelled'] as const).entries()) passAll(run(i, conclusion))
  passAll(run(3, 'failure').map((one) => ({ ...one, backfilled: true })))
  const out = new Float64Array(8 * SCORE_WIDTH)
  const read = (service: string | null, subject: 'deployment' | 'ci_run', to: number) => {
    const { rows, cursor } = shard.scoresRead(service, subject, START, to, null, out)
    assert.equal(cursor, null)
    const fields = ['at', 'success', 'byModel', 'backfilled', 'answerClass', 'durationS'] as const
    return Array.from({ length: rows }, (_, row) =>
      fields.map((field) => out[row * SCORE_WIDTH + SCORE_FIELDS.indexOf(field)]),
    )
  }
  const at = (i: number) => START + i * 60_000 + 30_000
  const rows = [
    [at(0), 1, 0, 0, 2, 30],
    [at(1), 0, 0, 0, 2, 30],
    [at(2), NaN, 0, 0, 2, NaN],
    [at(3), 0, 0, 1, 2, 30],
  ]
  assert.deepEqual(read(SERVICE, 'deployment', at(4)), rows)
  assert.deepEqual(read(null, 'deployment', at(2)), rows.slice(0, 2))
  assert.deepEqual(read(SERVICE, 'ci_run', at(4)), [])
  assert.deepEqual(read('production/sho', 'deployment', at(4)), [])
})

test('a change tells its size to the runs of its commit', () => {
  const { passAll } = pipeline()
  const change = {
    filesAdded: 1,
    filesDeleted: 0,
    filesModified: 2,
    linesAdded: 100,
    linesDeleted: 7,
    srcFiles: 3,
    docFiles: 0,
    otherFiles: 0,
    dockerfileChanged: false,
    composeChanged: null,
    fileTypes: 'ts',
  }
  const entries = passAll([
    event({ key: 'c', subject: 'change', phase: 'changed', sha: 'abc', change, occurredAt: START - 1000 }),
    event({ key: 'd', sha: 'abc' }),
  ])
  assert.equal(entries.length, 1)
  assert.equal(feature(entries[0], 'change.lines'), Math.fround(Math.log1p(107)))
})

test('events that can not be true are refused by field', () => {
  const { pass } = pipeline()
  const refused: readonly [string, Partial<DeploymentEvent>][] = [
    ['service', { service: 'staging/shop' }],
    ['attempt', { attempt: 0 }],
    ['conclusion', { phase: 'finished' }],
    ['phase', { subject: 'change' }],
    ['step', { phase: 'step' }],
    ['branch', { branch: 'x'.repeat(2000) }],
  ]
  for (const [field, over] of refused) {
    assert.throws(
      () => pass(event(over)),
      (error) => error instanceof InvalidEvent && error.field === field,
      field,
    )
  }
})

/** Runs of one service in the order of time, some overlapping, some repeated. */
const history = fc
  .array(
    fc.record({
      conclusion: fc.constantFrom<Conclusion>('success', 'success', 'failure', 'timeout', 'cancelled'),
      phase: fc.constantFrom<DeploymentEvent['phase']>('finished', 'finished', 'finished', 'rolled_back'),
      again: fc.boolean(),
      branch: fc.constantFrom('main', 'feature', null),
      lasts: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((runs) =>
    runs
      .flatMap(({ conclusion, branch, lasts, phase, again }, i) => {
        // A run that is tried again is often a new attempt before the old one ended.
        const place = again && i > 0 ? i - 1 : i
        const key = `events:shop/deployment/${place}`
        const attempt = place === i ? 1 : 2
        const at = START + i * 60_000
        const end = { phase, conclusion: phase === 'finished' ? conclusion : null, occurredAt: at + lasts * 45_000 }
        return [event({ key, attempt, branch, occurredAt: at }), event({ key, attempt, branch, ...end })]
      })
      .sort((a, b) => a.occurredAt - b.occurredAt),
  )

test('redelivered events change nothing and give nothing', () => {
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat(3)), (events, repeats) => {
      const [once, often] = [pipeline(), pipeline()]
      const expected = once.passAll(events)
      const given = events.flatMap((one) => {
        const first = often.pass(one)
        const again = Array.from({ length: Number(repeats.next().value) }, () => often.pass(one)).flat()
        assert.deepEqual(again, [])
        return first
      })
      const timeless = (entries: readonly LedgerEntry[]) => entries.map((entry) => ({ ...entry, receivedAt: 0 }))
      assert.deepEqual(timeless(given), timeless(expected))
      assert.equal(often.shard.stateHash(), once.shard.stateHash())
    }),
    { numRuns: 40 },
  )
})

test('a replay gives nothing out; with the ledger given back it ends in the same state and goes on alike', () => {
  fc.assert(
    fc.property(history, fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
      const cut = Math.floor(events.length * share)
      const [before, after] = [events.slice(0, cut), events.slice(cut)]
      const [live, restored] = [pipeline(), pipeline()]
      const ledger = live.passAll(before)
      assert.deepEqual(restored.passAll(before, 'replay'), [])
      for (const entry of ledger) {
        reattach(entry, restored.shard)
        keepScore(entry, restored.shard)
      }
      assert.equal(restored.shard.stateHash(), live.shard.stateHash())
      const timeless = (entries: readonly LedgerEntry[]) => entries.map((entry) => ({ ...entry, receivedAt: 0 }))
      assert.deepEqual(timeless(restored.passAll(after)), timeless(live.passAll(after)))
    }),
    { numRuns: 40 },
  )
})
