import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIMINGS_MAX } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { createRandom, normal } from '../models/random.ts'
import { scopeKeys } from '../models/scopes.ts'
import { TIMING_WIDTH } from '../models/timing.ts'
import { attemptOf } from './attemptOf.ts'
import { SERVICE, START, deps, event, newEngine, pipeline } from './handlerUnderTest.ts'

const NOISE = 0.3
const USUAL_S = { main: 100, topic: 600 } as const
const GAP_MS = 200_000

/** Starts and ends in the order of time: two branches by turns, log-normal durations about their own median. */
function stream(runs: number, seed: number): readonly DeploymentEvent[] {
  const random = createRandom(seed)
  const events = Array.from({ length: runs }, (_, i): readonly DeploymentEvent[] => {
    const branch = random() < 0.5 ? 'main' : 'topic'
    const about = { key: `events:shop/deployment/${i}`, branch }
    const occurredAt = START + i * GAP_MS
    const tookMs = Math.round(USUAL_S[branch] * Math.exp(NOISE * normal(random)) * 1000)
    const conclusion = random() < 0.2 ? 'failure' : 'success'
    return [
      event({ ...about, occurredAt }),
      event({ ...about, phase: 'finished', conclusion, occurredAt: occurredAt + tookMs }),
    ]
  })
  return events.flat().sort((a, b) => a.occurredAt - b.occurredAt)
}

function timingsOf(shard: ShardDoor): readonly number[] {
  const record = shard.deployment(SERVICE, 'events:shop/deployment/0')
  assert.ok(record)
  const out = new Float64Array((TIMINGS_MAX + 9) * TIMING_WIDTH)
  const rows = shard.timingsRead(scopeKeys(attemptOf(record, shard, deps.zoneOf, START), []).timings, out)
  return [...out.subarray(0, rows * TIMING_WIDTH)]
}

test('ranges hold four of five durations of a known noise, and are as wide as it is', () => {
  const { passAll } = pipeline()
  const scored = passAll(stream(900, 1)).filter(({ kind }) => kind === 'scored')
  const later = scored.slice(200).map(({ durationP10, durationP50, durationP90, durationSeconds }) => {
    assert.ok(durationP10 !== null && durationP50 !== null && durationP90 !== null && durationSeconds !== null)
    return { low: durationP10, middle: durationP50, high: durationP90, took: durationSeconds }
  })
  const share = (is: (one: (typeof later)[number]) => boolean): number => later.filter(is).length / later.length
  const within = share(({ low, high, took }) => low <= took && took <= high)
  assert.ok(within > 0.75 && within < 0.86, `${within} of the durations are in their ranges`)
  const above = share(({ middle, took }) => took > middle)
  assert.ok(above > 0.42 && above < 0.58, `${above} took longer than foretold`)
  const widths = later.map(({ low, high }) => Math.log(high / low)).sort((a, b) => a - b)
  const exact = 2 * 1.2816 * NOISE
  const width = (widths[widths.length >> 1] ?? 0) / exact
  assert.ok(width > 0.85 && width < 1.3, `ranges are ${width} times as wide as they had to be`)
})

test('a replay with outputs off keeps the same timings as what was live, no more than the newest of a workflow', () => {
  const events = stream(130, 2)
  const [live, replayed] = [pipeline(newEngine()), pipeline(newEngine())]
  live.passAll(events)
  replayed.passAll(events, 'replay')
  const kept = timingsOf(live.shard)
  assert.equal(kept.length, TIMINGS_MAX * TIMING_WIDTH)
  live.passAll(stream(20, 4).map((one) => ({ ...one, key: `${one.key}0000`, workflow: 'another.yml' })))
  assert.deepEqual(timingsOf(live.shard), kept, 'another workflow has its own')
  assert.deepEqual(timingsOf(replayed.shard), kept)
})

test('an end that comes late changes no headline of before, and cancelled attempts teach nothing', () => {
  const events = stream(40, 3)
  const { passAll, shard } = pipeline()
  const open = events.find(({ key, phase }) => key === 'events:shop/deployment/3' && phase === 'finished')
  assert.ok(open)
  const told = passAll(events.filter((one) => one !== open))
  const kept = timingsOf(shard)
  const later = passAll([{ ...open, occurredAt: open.occurredAt + 1000 * GAP_MS }])
  assert.deepEqual(
    later.map(({ kind }) => kind),
    ['scored'],
  )
  assert.equal(timingsOf(shard).length, kept.length + TIMING_WIDTH)
  const before = told.find(({ kind, subjectKey }) => kind === 'headline' && subjectKey === open.key)
  assert.deepEqual(later[0]?.durationP50, before?.durationP50)
  const cancelled = { key: 'events:shop/deployment/99', occurredAt: START + 2000 * GAP_MS }
  passAll([event(cancelled), event({ ...cancelled, phase: 'finished', conclusion: 'cancelled' })])
  assert.equal(timingsOf(shard).length, kept.length + TIMING_WIDTH)
})
