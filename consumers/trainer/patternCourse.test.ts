import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fastify } from 'fastify'
import { createRandom } from '../models/random.ts'
import { createPatternShelf } from '../patterns/patternShelf.ts'
import { nextSet } from '../patterns/patternRound.ts'
import { EMPTY_SET, PatternSetInvalid, cardOf, setOfCard } from '../patterns/patternSet.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import { patternsRecord } from './modelRecords.ts'
import { OutcomesUnavailable, ownOutcomes } from './ownOutcomes.ts'
import { createPatternCourse } from './patternCourse.ts'
import { runTask } from './runTask.ts'
import type { Task, TaskResult } from './task.ts'

const HOUR_MS = 3_600_000
const SERVICES = ['ci/a', 'ci/b']

/** A run of each service every hour; those of pull requests fail more by 40 points. */
function rows(count: number): readonly SubjectRow[] {
  const random = createRandom(9)
  return SERVICES.flatMap((service) =>
    Array.from({ length: count }, (_, i): SubjectRow => {
      const isPull = random() < 0.5
      const failed = random() < (isPull ? 0.6 : 0.2)
      return {
        id: `${service}/${i} 1`,
        subject: 'ci_run',
        service,
        startedAt: i * HOUR_MS,
        finishedAt: i * HOUR_MS + 60_000,
        failed,
        end: failed
          ? { conclusion: 'failure', name: isPull ? 'lint and types' : 'deployment to staging' }
          : { conclusion: 'success' },
        attributes: {
          hour: i % 24,
          weekday: Math.floor(i / 24) % 7,
          pull_request: isPull,
          branch: isPull ? 'x' : 'main',
        },
      }
    }),
  )
}

const ALL = rows(900)
const until = (runs: number) => ALL.filter(({ startedAt }) => startedAt < runs * HOUR_MS)

function course() {
  const mined: (readonly string[])[] = []
  const clock = { runs: 500, at: 0 }
  const made = createPatternCourse({
    intervalMs: HOUR_MS,
    runsMin: 100,
    similarity: 0.85,
    outcomes: () => Promise.resolve(until(clock.runs)),
    telemetry: { patternsMined: (_runs, confirmed) => mined.push(confirmed) },
  })
  const tasks: Task[] = []
  const run = (task: Task): Promise<TaskResult> => {
    tasks.push(task)
    assert.ok(task.kind === 'patterns')
    return Promise.resolve({ kind: 'patterns', set: nextSet(task.round, task.seed) })
  }
  let heard = 0
  const round = () => {
    for (; heard < until(clock.runs).length; heard++) made.heard()
    return made.round(() => clock.at, run)
  }
  return { made, mined, clock, tasks, round }
}

test('patterns are mined at once and each interval; only those that later runs confirmed are counted, each once', async () => {
  const { mined, clock, round } = course()
  clock.at = 500 * HOUR_MS
  const [record] = await round()
  assert.equal(record?.key, 'patterns')
  assert.deepEqual(await round(), [])
  for (const runs of [800, 900]) {
    clock.runs = runs
    clock.at = runs * HOUR_MS
    await round()
  }
  const [first, second, third] = mined
  assert.deepEqual(first, [])
  assert.ok(second !== undefined && second.length > 0)
  assert.ok(third?.every((id) => !second.includes(id)))
})

test('a restarted trainer goes on from the published set', async () => {
  const before = course()
  before.clock.at = 500 * HOUR_MS
  const [record] = await before.round()
  assert.ok(record?.value !== undefined && record.value !== null)
  const shelf = createPatternShelf()
  shelf.accept(record.value)
  const set = shelf.set()
  assert.ok(set !== null && set.subjects.ci_run.patterns.length > 0 && set.subjects.ci_run.clusters.length > 0)
  const after = course()
  after.made.remember(set)
  for (const one of [before, after]) {
    one.clock.runs = 800
    one.clock.at = 800 * HOUR_MS
  }
  const [went, begun] = [await before.round(), await after.round()]
  const known = (records: typeof went) => setOfCard(records[0]?.value?.card ?? '').subjects.ci_run
  assert.deepEqual(known(begun).patterns, known(went).patterns)
  assert.deepEqual(
    known(begun).clusters.map(({ id, runs }) => [id, runs]),
    known(went).clusters.map(({ id, runs }) => [id, runs]),
  )
})

test('too few runs are not mined; within the interval only much that is new is, after a while', async () => {
  const { clock, tasks, round } = course()
  const rounds = async (runs: number, laterMs: number): Promise<number> => {
    clock.runs = runs
    clock.at += laterMs
    await round()
    return tasks.length
  }
  clock.at = 900 * HOUR_MS
  assert.equal(await rounds(10, 0), 0)
  assert.equal(await rounds(300, 1000), 1)
  assert.equal(await rounds(600, 1000), 1)
  assert.equal(await rounds(600, 60_000), 2)
  assert.equal(await rounds(620, 60_000), 2)
  assert.equal(await rounds(620, HOUR_MS), 3)
})

test('a set is mined in a process of its own, and its record is read back as it was', async () => {
  const round = { known: EMPTY_SET, rows: until(300), now: 300 * HOUR_MS, similarity: 0.85, runsMin: 100 }
  const result = await runTask({ kind: 'patterns', seed: 1, round }, new AbortController().signal, 120_000)
  assert.ok(result.kind === 'patterns')
  assert.deepEqual(result.set, nextSet({ ...round, rows: [...until(300)].reverse() }, 1))
  const read = setOfCard(patternsRecord(result.set).value?.card ?? '')
  assert.equal(cardOf(read), cardOf(result.set))
  assert.throws(() => setOfCard('{"format":"patterns/2"}'), PatternSetInvalid)
})

/** A consumer with two pages of so many runs each, and one hour of its memory measured twice. */
async function consumer(t: TestContext, service: string, runs = 1, isReady = true): Promise<string> {
  const server = fastify({ forceCloseConnections: true })
  const time = '2026-03-01T12:00:00.000Z'
  server.get('/readyz', (_request, reply) => reply.code(isReady ? 200 : 503).send({}))
  server.get('/v1/owners', () => ({ instance: service, address, shards: [], members: [] }))
  server.post<{ Body: { cursor?: string } }>('/v1/query/list_outcomes', ({ body: { cursor } }) => ({
    items: Array.from({ length: runs }, (_, i) => ({
      key: cursor ?? 'first',
      attempt: i + 1,
      service,
      subject: 'ci_run',
      listedAt: time,
      startedAt: time,
      finishedAt: time,
      failed: true,
      end: {},
      attributes: { branch: 'main' },
    })),
    nextCursor: cursor === undefined ? 'second' : null,
  }))
  server.post<{ Body: { service: string; metric: string } }>('/v1/query/query_metrics', ({ body }) => ({
    series:
      body.service === service && body.metric === 'process_resident_memory_bytes'
        ? [100, 300].map((value) => ({ points: [[Date.parse(time) - HOUR_MS, value]] }))
        : [],
  }))
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  return address
}

test('outcomes are read from every consumer to the last page; with one away there are none', async (t) => {
  const [a, b] = [await consumer(t, 'ci/a'), await consumer(t, 'ci/b')]
  const found = await ownOutcomes([a, b], Date.now())
  assert.deepEqual(found.map(({ service, id }) => `${service} ${id}`).sort(), [
    'ci/a first 1',
    'ci/a second 1',
    'ci/b first 1',
    'ci/b second 1',
  ])
  await assert.rejects(ownOutcomes([a, 'http://127.0.0.1:9'], Date.now()), OutcomesUnavailable)
})

test('while a consumer restores shards there are no outcomes: it would leave out theirs', async (t) => {
  const [a, restoring] = [await consumer(t, 'ci/a'), await consumer(t, 'ci/b', 1, false)]
  await assert.rejects(ownOutcomes([a, restoring], Date.now()), OutcomesUnavailable)
})

test('what a service used in the hour before a run is known of it; of services with few runs it is not asked', async (t) => {
  const [large, small] = [await consumer(t, 'ci/large', 20), await consumer(t, 'ci/small', 19)]
  const found = await ownOutcomes([large, small], Date.parse('2026-03-02T00:00:00Z'))
  const attributes = (service: string) => found.find((row) => row.service === service)?.attributes
  assert.deepEqual(attributes('ci/large'), { branch: 'main', cpu_cores: null, memory_bytes: 200 })
  assert.deepEqual(attributes('ci/small'), { branch: 'main' })
})
