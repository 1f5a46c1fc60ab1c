/**
 * A champion is watched: its inputs move and the metrics tell, what they mean turns and it loses its place by itself, and an operator
 * brings it back by one command. All of it outlives a restart of the trainer.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ledgerOf } from '../harness/ledger.ts'
import { championOf } from '../harness/models.ts'
import type { RunKind } from '../../consumers/trainer/shiftingRunsUnderTest.ts'
import { LEARNT, MOVED, TURNED } from '../../consumers/trainer/shiftingRunsUnderTest.ts'
import { shiftingRuns, startOfRun } from '../harness/shiftingRuns.ts'
import { eventually, useSystem } from '../harness/system.ts'

const SERVICE = 'ci/shop'
const COMMAND = fileURLToPath(new URL('../../adapters/cli/devops-mcp-server.mjs', import.meta.url))
/** So many runs teach the first model; a second lesson would need as many new ones, which do not come. */
const TAUGHT = 700
const SHOWN_MAX = 120
const TURNED_MAX = 240

const system = useSystem({
  roles: ['gateway', 'consumer'],
  env: { DEVOPS_LEARNING_TRAINING_MIN_SAMPLES: String(TAUGHT) },
})

let runs = 0
/** Resolves when the outcomes of all runs so far stand in the ledger. */
async function feed(count: number, kind: RunKind): Promise<void> {
  for (const end = runs + count; runs < end;) {
    const part = Math.min(50, end - runs)
    const answer = await system().post('/v1/events', JSON.stringify(shiftingRuns(SERVICE, part, runs, kind)))
    assert.equal(answer.status, 202, await answer.text())
    runs += part
  }
  await eventually(`${runs} scored rows`, async () => {
    const rows = (await ledgerOf(system(), SERVICE)).filter(({ kind: of }) => of === 'scored')
    return rows.length === runs ? true : null
  })
}

async function metric(name: string, labels: string): Promise<number | null> {
  const text = await (await fetch(`${system().process('trainer').url}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes(labels))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

const driftOfSizes = () => metric('devops_model_input_drift', 'model="ci_run",feature_group="change_size"')
const demotions = () => metric('devops_model_stage_changes_total', 'model="ci_run",stage="previous",cause="demoted"')

/** By how much the log loss of what was answered to runs from number `from` on was below that of the base rate. */
async function gainSince(from: number): Promise<number> {
  const window = { from: new Date(startOfRun(from)).toISOString(), to: new Date(startOfRun(runs)).toISOString() }
  const card = (await system().query('get_scorecard', { subject: 'ci_run', ...window })) as {
    scores: { score: string; value: number | null }[]
  }
  return card.scores.find(({ score }) => score === 'log_loss_gain')?.value ?? assert.fail('no outcome in the window')
}

/** The version at a stage, as the consumer sees it; `base-rate` where there is none. */
async function versionAt(stage: 'champion' | 'previous'): Promise<string> {
  const { models } = (await system().query('get_health', {})) as {
    models: { model: string; stage: string; version: string }[]
  }
  return models.find((each) => each.model === 'ci_run' && each.stage === stage)?.version ?? 'base-rate'
}

function command(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const env = { PATH: process.env['PATH'] ?? '', DEVOPS_TRAINER_PORT: new URL(system().process('trainer').url).port }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [COMMAND, 'model', ...args], { env }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })
}

/** A round of the trainer, and the consumer that reads of it. */
const aRound = () => new Promise((resume) => setTimeout(resume, 4000))

interface Asked {
  readonly modelVersion: string
  readonly liveScore: { readonly outcomes: number; readonly logLoss: number } | null
}
const ask = async () => (await system().query('predict_deployment', { service: SERVICE, subject: 'ci_run' })) as Asked

test('drift is told, a champion that falls behind is demoted by itself, and one command brings it back', async () => {
  await feed(TAUGHT, LEARNT)
  await system().add('trainer')
  const nothing = await command('rollback', 'ci_run')
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /^nothing_to_roll_back_to: /)

  await eventually(
    'a challenger',
    async () => ((await command('list')).out.includes('challenger') ? true : null),
    90_000,
  )
  // The consumer may read of it a little later than the command: what it answers from then on counts.
  for (let shown = 0; (await versionAt('champion')) === 'base-rate'; shown += 30) {
    assert.ok(shown < SHOWN_MAX, `${shown} later outcomes and no champion`)
    await feed(30, LEARNT)
    await aRound()
  }
  const champion = await championOf(system(), 'ci_run')
  const card = JSON.parse((await command('card', 'ci_run', champion)).out) as {
    learnt: { rows: number }
    training: { seed: number }
    inputs: unknown[]
  }
  assert.ok(card.learnt.rows >= TAUGHT && card.inputs.length > 100 && Number.isInteger(card.training.seed))

  const asChampion = runs
  await feed(220, LEARNT)
  assert.ok((await gainSince(asChampion)) > 0.1, 'the scorecard shows a champion that knows something')
  const before = await eventually('the drift of sizes is told', driftOfSizes)
  assert.equal(await demotions(), 0)
  const scored = await eventually('the live score of the champion', async () => (await ask()).liveScore)
  assert.ok(scored.outcomes > 0 && scored.logLoss < 0.5, JSON.stringify(scored))

  await feed(150, MOVED)
  await eventually('the drift of sizes rises', async () => {
    const now = await driftOfSizes()
    return now !== null && now > 2 * before && now > 0.25 ? true : null
  })
  assert.equal(await versionAt('champion'), champion, 'moved inputs alone turn nobody out')

  const turnedAt = runs
  for (let turned = 0; (await versionAt('champion')) === champion; turned += 30) {
    assert.ok(turned < TURNED_MAX, `${turned} outcomes of turned meaning and still champion`)
    await feed(30, TURNED)
    await aRound()
  }
  assert.equal(await versionAt('champion'), 'base-rate')
  await eventually('it is kept', async () => ((await versionAt('previous')) === champion ? true : null))
  assert.equal(await demotions(), 1)
  assert.ok((await gainSince(turnedAt)) < -0.1, 'the scorecard shows what went wrong')
  assert.match(await system().process('trainer').log(), /"cause":"demoted".*higher log loss than the base rate/)
  assert.equal((await ask()).modelVersion, 'base-rate')

  const back = await command('rollback', 'ci_run')
  assert.equal(back.out, `ci_run: ${champion.slice(0, 12)} answers; base-rate answered before\n`)
  assert.equal(await championOf(system(), 'ci_run'), champion)
  assert.equal((await ask()).modelVersion, champion)
  assert.equal(
    await metric('devops_model_stage_changes_total', 'model="ci_run",stage="champion",cause="rolled_back"'),
    1,
  )
})

test('after a restart the version that was brought back still answers, and there is nothing before it', async () => {
  const champion = await versionAt('champion')
  await system().process('trainer').stop()
  await system().add('trainer')
  const list = await command('list')
  assert.match(list.out, new RegExp(`ci_run: ${champion.slice(0, 12)} answers\\n {2}champion .*\\(rolled_back\\)`))
  // Outcomes of before the rollback turn it out no second time.
  await new Promise((resume) => setTimeout(resume, 5000))
  assert.equal(await versionAt('champion'), champion)
  const again = await command('rollback', 'ci_run')
  assert.deepEqual([again.code, again.out], [1, ''])
})
