import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNKNOWN_CHANGE } from '../../schemas/changes/changeSize.ts'
import type { Classifier } from '../models/classifier.ts'
import { FEATURES } from '../models/features.ts'
import { mixturesOf } from '../models/mixturesUnderTest.ts'
import { EMPTY_SET } from '../patterns/patternSet.ts'
import type { SubjectPatterns } from '../patterns/patternSet.ts'
import { patternUnderTest } from '../patterns/rowsUnderTest.ts'
import { createAsk } from './ask.ts'
import { at, deps, event, feature, pipeline, run, SERVICE, START } from './handlerUnderTest.ts'

const NO_PATTERNS = () => null

test('an ask answers like a headline of the same attempt would, is kept as asked, and changes nothing', () => {
  const { passAll, shard } = pipeline()
  for (let i = 0; i < 20; i++) passAll(run(i, i % 4 === 0 ? 'failure' : 'success'))
  const before = shard.stateHash()
  const now = START + 40 * 60_000
  const ask = createAsk(deps, NO_PATTERNS)
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

test('who starts it and what it changes are taken as a headline of them would have them', () => {
  const { passAll, shard } = pipeline()
  for (let i = 0; i < 20; i++) passAll(run(i, i % 4 === 0 ? 'failure' : 'success'))
  const now = START + 40 * 60_000
  const change = { ...UNKNOWN_CHANGE, linesAdded: 400, linesDeleted: 20, filesModified: 3, fileTypes: 'ts' }
  const input = { service: SERVICE, subject: 'deployment' as const, actor: 'a1', sha: 'c1', change }
  const { output, entry } = createAsk(deps, NO_PATTERNS)(input, shard, now)
  assert.equal(feature(entry, 'change.lines'), Math.fround(Math.log1p(420)))
  const [headline] = passAll([event({ key: 'real', occurredAt: now, sha: 'c1', change })])
  assert.deepEqual(headline?.features, entry.features)
  assert.equal(headline.pSuccess, output.pSuccess)
})

test('an answer of a model has its reasons, the past cases like it, and what goes with a lower risk', () => {
  const { passAll, shard } = pipeline()
  const change = { ...UNKNOWN_CHANGE, linesAdded: 400, linesDeleted: 0, fileTypes: 'ts' }
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
    confidentFrom: 0.5,
    mixtures: mixturesOf(failureLogit, new Float32Array(FEATURES)),
    pSuccess: (features) => 1 / (1 + Math.exp(failureLogit(features))),
    typicalDuration: null,
  }
  const told = {
    outcomes: 240,
    from: START,
    to: now,
    accuracy: 0.8,
    logLoss: 0.4,
    brier: 0.12,
    baseRateAccuracy: 0.7,
    baseRateLogLoss: 0.6,
    baseRateBrier: 0.2,
  }
  const shelf = {
    champion: () => model,
    challenger: () => null,
    scores: (_model: string, version: string) => (version === 'v' ? told : null),
  }
  const input = { service: SERVICE, subject: 'deployment' as const, branch: 'topic', sha: 'sized' }
  const { output } = createAsk({ ...deps, shelf }, NO_PATTERNS)(input, shard, now)
  const { explanation, similarCases, lowerRisk, strategy, liveScore } = output
  assert.deepEqual(liveScore, {
    outcomes: 240,
    from: new Date(START).toISOString(),
    to: new Date(now).toISOString(),
    accuracy: 0.8,
    logLoss: 0.4,
    brier: 0.12,
    baseRate: { accuracy: 0.7, logLoss: 0.6, brier: 0.2 },
  })
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

  // Later runs confirmed that it fails more from 20 h on: the other side of midnight is left.
  const shown = { effect: 0.3, low: 0.2, high: 0.4, support: 50, p: 0.001 }
  const late = patternUnderTest({ scope: SERVICE, predicate: [{ field: 'hour', op: '>=', value: 18 }], found: shown })
  const advised = (told: Partial<SubjectPatterns>): readonly [string | undefined, number] => {
    const deployment = { ...EMPTY_SET.subjects.deployment, ...told }
    const set = { ...EMPTY_SET, subjects: { ...EMPTY_SET.subjects, deployment } }
    const [best] = createAsk({ ...deps, shelf }, () => set)(input, shard, now).output.lowerRisk
    return [best?.kind, new Date(best?.startAt ?? '').getUTCHours()]
  }
  assert.deepEqual(advised({ patterns: [late] }), ['start', 2])
  // The best window is the morning: 9 h of its zone.
  const saved = { expected: 9, low: 5, high: 12 }
  const shares = { runs: 60, failureShare: 0.1, otherFailureShare: 0.3, saved }
  const morning = { fromHour: 8, toHour: 12, weekdays: [0, 1, 2, 3, 4, 5, 6], ...shares }
  assert.deepEqual(advised({ windows: { [SERVICE]: [morning] } }), ['start', 8])
})

test('a question about what was never seen says so, and which subject to ask for', () => {
  const { passAll, shard } = pipeline()
  for (let i = 0; i < 3; i++) passAll(run(i, 'success'))
  const ask = createAsk(deps, NO_PATTERNS)
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
  const ask = createAsk(deps, NO_PATTERNS)
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
  const { output } = createAsk(deps, NO_PATTERNS)({ service: SERVICE, subject: 'ci_run' }, shard, START)
  assert.deepEqual(output.evidence.assumed, {})
})
