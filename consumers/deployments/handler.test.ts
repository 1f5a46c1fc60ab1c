import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { SCORE_FIELDS, SCORE_WIDTH } from '../../rust-engine/ts/records.ts'
import type { EngineDoor } from '../../rust-engine/ts/door.ts'
import type { Conclusion, DeploymentEvent, LedgerEntry } from '../../schemas/generated/events.ts'
import type { Phase } from '../../schemas/outputs.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { keepScore } from '../ledger/score.ts'
import { FEATURES, FEATURE_NAMES, FEATURE_SET } from '../models/features.ts'
import type { Classifier } from '../models/classifier.ts'
import { createShelf } from '../models/shelf.ts'
import { createAsk } from './ask.ts'
import { createDeploymentHandler, reattach } from './handler.ts'
import type { DeploymentDeps } from './handler.ts'
import type { OutcomeLabel } from './outcome.ts'

const MIB = 1024 ** 2
const quotaBytes = {
  infrastructure_state: 16 * MIB,
  deployment_history: 16 * MIB,
  incident_database: 16 * MIB,
  active_operations: 16 * MIB,
}
const newEngine = (): EngineDoor =>
  openEngine({ poolBytes: 64 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: 12 })

const nothing = () => undefined
const deps: DeploymentDeps = {
  shelf: createShelf(),
  zoneOf: () => 'Europe/Berlin',
  rules: { minSamples: 100, confidenceThreshold: 0.7 },
  telemetry: { predicted: nothing, closed: nothing, unpredicted: nothing },
  stopwatch: () => 0,
}

const NO_CHANGE = {
  filesAdded: null,
  filesDeleted: null,
  filesModified: null,
  linesAdded: null,
  linesDeleted: null,
  srcFiles: null,
  docFiles: null,
  otherFiles: null,
  dockerfileChanged: null,
  composeChanged: null,
  fileTypes: null,
}
const START = Date.UTC(2026, 0, 5, 9)
const SERVICE = 'production/shop'

function event(over: Partial<DeploymentEvent>): DeploymentEvent {
  const at = over.occurredAt ?? START
  return {
    id: `${over.key ?? 'k'}/${over.attempt ?? 1}/${over.phase ?? 'started'}`,
    occurredAt: at,
    receivedAt: at,
    source: 'events',
    service: SERVICE,
    environment: 'production',
    trace: null,
    subject: 'deployment',
    phase: 'started',
    key: 'events:shop/deployment/1',
    attempt: 1,
    conclusion: null,
    name: 'deploy',
    workflow: 'deploy.yml',
    repository: 'shop',
    branch: 'main',
    sha: null,
    actor: 'a1',
    trigger: 'push',
    pullRequest: false,
    change: null,
    step: null,
    links: [],
    backfilled: false,
    ...over,
  }
}

const run = (i: number, conclusion: Conclusion, gapMs = 60_000): readonly DeploymentEvent[] => {
  const key = `events:shop/deployment/${i}`
  const occurredAt = START + i * gapMs
  return [event({ key, occurredAt }), event({ key, phase: 'finished', conclusion, occurredAt: occurredAt + 30_000 })]
}

/** A shard of its own engine, and what the handler gave out for each event. */
function pipeline(engine = newEngine(), own = deps, service = SERVICE) {
  const shard = engine.createShard(partitionOf(service))
  const handle = createDeploymentHandler(own)
  let offset = 0n
  const pass = (one: DeploymentEvent, phase: Phase = 'live'): readonly LedgerEntry[] => {
    const position = { topic: 'devops.deployments', partition: shard.shard, offset: offset++, at: one.receivedAt + 5 }
    return handle(one, position, shard, phase).map((output) => {
      assert.ok(output.topic === 'devops.ledger')
      assert.equal(output.partition, partitionOf(one.service))
      assert.equal(output.key, output.value.predictionId)
      return output.value
    })
  }
  const passAll = (events: readonly DeploymentEvent[], phase: Phase = 'live') =>
    events.flatMap((one) => pass(one, phase))
  return { shard, pass, passAll }
}

const at = (name: string): number => FEATURE_NAMES.indexOf(name)
const feature = (entry: LedgerEntry | undefined, name: string) => entry?.features[at(name)]

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

test('an ask answers like a headline of the same attempt would, is kept as asked, and changes nothing', () => {
  const { passAll, shard } = pipeline()
  for (let i = 0; i < 20; i++) passAll(run(i, i % 4 === 0 ? 'failure' : 'success'))
  const before = shard.stateHash()
  const now = START + 40 * 60_000
  const ask = createAsk(deps)
  const input = {
    service: SERVICE,
    subject: 'deployment' as const,
    branch: 'main',
    workflow: 'deploy.yml',
    trigger: 'push',
  }
  const { output, entry } = ask(input, shard, now)
  assert.equal(shard.stateHash(), before)
  assert.deepEqual(ask(input, shard, now), { output, entry })
  assert.equal(entry.kind, 'asked')
  assert.equal(entry.predictionId, output.predictionId)
  assert.equal(output.evidence.serviceOutcomes, 20)
  assert.equal(output.answerClass, 'not_enough_evidence')
  assert.match(output.evidence.missing ?? '', /80 more finished runs/u)
  const { low, high } = output.evidence.baseRateInterval
  assert.ok(low < output.evidence.baseRate && output.evidence.baseRate < high)
  const [headline] = passAll([event({ key: 'real', occurredAt: now, actor: null })])
  assert.equal(headline?.pSuccess, output.pSuccess)
  assert.deepEqual(headline.features, entry.features)
})

test('an answer of a model has its reasons, the past cases like it, and what goes with a lower risk', () => {
  const { passAll, shard } = pipeline()
  const change = { ...NO_CHANGE, linesAdded: 400, linesDeleted: 0, fileTypes: 'ts' }
  for (let i = 0; i < 40; i++) {
    const branch = i % 2 === 0 ? 'main' : 'topic'
    passAll(run(i, i % 4 === 0 ? 'failure' : 'success').map((one) => ({ ...one, branch, sha: `c${i}` })))
  }
  const now = START + 60 * 60_000
  passAll([event({ subject: 'change', phase: 'changed', key: 'sized', sha: 'sized', change, occurredAt: now - 1 })])
  // Fails by night and with many lines.
  const failureLogit = (features: Float32Array): number =>
    -2 + (features[at('change.lines')] ?? 0) / 4 - (features[at('time.hourCos')] ?? 0)
  const model: Classifier = {
    version: 'v',
    rows: 1000,
    typical: new Float32Array(FEATURES),
    failureLogit,
    pSuccess: (features) => 1 / (1 + Math.exp(failureLogit(features))),
    duration: () => null,
  }
  const shelf = { champion: () => model, challenger: () => null }
  const input = { service: SERVICE, subject: 'deployment' as const, branch: 'topic', sha: 'sized' }
  const { output } = createAsk({ ...deps, shelf })(input, shard, now)
  const { explanation, similarCases, lowerRisk, strategy } = output
  assert.ok(explanation)
  const logit = (p: number): number => Math.log(p / (1 - p))
  const sum = explanation.factors.reduce((all, factor) => all + factor.logit, logit(explanation.typicalPSuccess))
  assert.ok(Math.abs(sum - logit(output.pSuccess)) < 1e-6)
  assert.deepEqual(
    explanation.factors.filter((factor) => factor.logit !== 0).map(({ factor }) => factor),
    ['change_size', 'time'],
  )
  assert.equal(similarCases.length, 5)
  assert.ok(
    similarCases.every(({ key }) => Number(key.split('/').at(-1)) % 2 === 1),
    'of the same branch',
  )
  assert.equal(similarCases[0]?.durationSeconds, 30)
  const [start, smaller, ...more] = lowerRisk
  assert.deepEqual(more, [])
  // Midnight by the model, the nearest middle of a quarter of the local day: 3 or 21 h.
  assert.deepEqual([start?.kind, new Date(start?.startAt ?? '').getUTCHours()], ['start', 20])
  assert.deepEqual([smaller?.kind, smaller?.linesMax], ['smaller_change', 100])
  for (const one of lowerRisk) assert.ok(one.pSuccess > output.pSuccess + 0.02 && one.successes <= one.cases)
  assert.equal(strategy, 'canary_with_hold')
})

test('a question about what was never seen says so, and which subject to ask for', () => {
  const { passAll, shard } = pipeline()
  for (let i = 0; i < 3; i++) passAll(run(i, 'success'))
  const ask = createAsk(deps)
  const missing = (service: string, subject: 'deployment' | 'ci_run'): string => {
    const { output, entry } = ask({ service, subject }, shard, START + 40 * 60_000)
    assert.deepEqual([output.answerClass, entry.answerClass], ['not_enough_evidence', 'not_enough_evidence'])
    return output.evidence.missing ?? ''
  }
  assert.equal(
    missing('production/nobody', 'deployment'),
    'service production/nobody is not known: no event of it was seen',
  )
  assert.equal(
    missing(SERVICE, 'ci_run'),
    'no CI run of this service was seen; ask with subject deployment, of which it has 3',
  )
  assert.match(missing(SERVICE, 'deployment'), /more finished runs/)
})

test('a question that leaves workflow and trigger open rests on the history that a headline of the newest run like it has', () => {
  const { passAll, shard } = pipeline()
  const github = { workflow: '4711', actor: null }
  for (let i = 0; i < 20; i++) {
    const runs = run(i, i % 4 === 0 ? 'failure' : 'success')
    // Runs of the topic branch are the newest and differ in all else.
    const other = { branch: 'topic', workflow: '4712', trigger: 'pull_request', pullRequest: true, actor: null }
    passAll(runs.map((one) => ({ ...one, ...(i % 2 === 1 ? other : github) })))
  }
  const now = START + 40 * 60_000
  const ask = createAsk(deps)
  const { output, entry } = ask({ service: SERVICE, subject: 'deployment', branch: 'main' }, shard, now)
  assert.deepEqual(output.evidence.assumed, { workflow: '4711', trigger: 'push', pullRequest: false })
  const open = ask({ service: SERVICE, subject: 'deployment' }, shard, now)
  assert.deepEqual(open.output.evidence.assumed, {
    workflow: '4712',
    branch: 'topic',
    trigger: 'pull_request',
    pullRequest: true,
  })
  const [headline] = passAll([event({ key: 'real', occurredAt: now, ...github })])
  assert.ok(headline)
  assert.deepEqual(headline.features, entry.features)
  assert.equal(headline.pSuccess, output.pSuccess)
  assert.notDeepEqual(open.entry.features, entry.features)
})

test('a question about a service that never ran assumes nothing', () => {
  const { shard } = pipeline()
  const { output } = createAsk(deps)({ service: SERVICE, subject: 'ci_run' }, shard, START)
  assert.deepEqual(output.evidence.assumed, {})
})
