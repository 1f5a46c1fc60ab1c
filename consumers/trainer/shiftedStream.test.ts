/**
 * What a champion learnt stops being true: events go through the handler into a real engine, their outcomes into the course, which
 * learns for real. The inputs move first, then what they mean.
 */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { UNKNOWN_CHANGE } from '../../schemas/changes/changeSize.ts'
import { chooseBackend } from '../models/backend.ts'
import { createRandom } from '../models/random.ts'
import { createShelf } from '../models/shelf.ts'
import { deps, event, newEngine, pipeline } from '../deployments/handlerUnderTest.ts'
import { createCourse } from './course.ts'
import { DRIFTED } from './inputDrift.ts'
import type { GroupDrift } from './inputDrift.ts'
import { learn } from './lesson.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { scoredRowOf } from './scoredRow.ts'
import { FILES, LEARNT, MOVED, SIZES, TURNED } from './shiftingRunsUnderTest.ts'
import type { RunKind } from './shiftingRunsUnderTest.ts'
import { silentTelemetry } from './silentTelemetry.ts'

const SERVICE = 'ci/shop'
const MINUTE_MS = 60_000
const FIRST_AT = Date.UTC(2026, 0, 5)

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

function world() {
  const shelf = createShelf(['ci_run'])
  const drifts = new Map<string, GroupDrift>()
  const staged: string[] = []
  const course = createCourse(
    'ci_run',
    { minSamples: 400, intervalMs: 3_600_000 },
    {
      ...silentTelemetry,
      staged: (_model, _version, stage, cause) => staged.push(`${stage} ${cause}`),
      drifted: (_model, drift) => {
        drifts.clear()
        for (const one of drift ?? []) drifts.set(one.group, one)
      },
    },
  )
  const { passAll } = pipeline(newEngine(), { ...deps, shelf }, SERVICE)
  let runs = 0
  const take = async (records: readonly ModelOutgoing[]) => {
    for (const { value } of records) if (value !== null) await shelf.accept(value)
  }
  /** Each of a branch of its own, so that nothing but its size speaks for it. */
  const pass = ({ withFiles, fails }: RunKind) => {
    const number = runs++
    const random = createRandom(number + 1)
    const large = random() < 1 / 3 ? 1 : 0
    const lines = Math.ceil(SIZES[large] * (1 + random()))
    const at = FIRST_AT + number * MINUTE_MS
    const run = {
      subject: 'ci_run',
      service: SERVICE,
      environment: 'ci',
      key: `run/${number}`,
      branch: `b${number}`,
    } as const
    const change = { ...UNKNOWN_CHANGE, linesAdded: lines, linesDeleted: 0, ...(withFiles ? FILES : {}) }
    const conclusion = random() < fails[large] ? 'failure' : 'success'
    const entries = passAll([
      event({ ...run, change, occurredAt: at }),
      event({ ...run, change, phase: 'finished', conclusion, occurredAt: at + MINUTE_MS / 2 }),
    ])
    for (const entry of entries) {
      const row = scoredRowOf(entry)
      if (row !== null) course.add(row)
    }
  }
  const now = () => FIRST_AT + runs * MINUTE_MS
  return {
    course,
    drifts,
    staged,
    shelf,
    /** A round of the trainer after every ten outcomes. */
    feed: async (count: number, kind: RunKind) => {
      for (let i = 0; i < count; i++) {
        pass(kind)
        if (i % 10 !== 9) continue
        await take(course.judge(now()))
        course.report(now())
      }
    },
    learn: async () => {
      const lesson = course.due(now()) ?? assert.fail('no lesson is due')
      await take(course.learnt(learn(lesson), now()))
    },
    rollBack: async () => {
      const done = course.rollBack(null, now())
      await take(done.records)
      return done
    },
  }
}

test('moved inputs are seen, turned meanings turn the champion out, and a rollback brings it back', async () => {
  const { feed, learn: teach, drifts, staged, shelf, rollBack } = world()
  await feed(400, LEARNT)
  await teach()
  await feed(60, LEARNT)
  const champion = shelf.champion('ci_run')
  assert.ok(champion, 'it was promoted')

  await feed(220, LEARNT)
  const sizes = () => drifts.get('change_size') ?? assert.fail('no drift of sizes is told')
  const still = sizes()
  await feed(150, MOVED)
  const moved = sizes()
  assert.ok(moved.index > 2 * still.index && moved.index > DRIFTED, `${still.index} and ${moved.index}`)
  assert.equal(shelf.champion('ci_run'), champion, 'inputs alone turn nobody out')

  let turned = 0
  while (shelf.champion('ci_run') !== null && turned < 400) {
    await feed(10, TURNED)
    turned += 10
  }
  assert.ok(turned >= 30 && turned <= 200, `${turned} outcomes`)
  assert.equal(staged.at(-1), 'previous demoted')

  assert.equal((await rollBack()).to, champion.version)
  assert.equal(shelf.champion('ci_run')?.version, champion.version)
})
