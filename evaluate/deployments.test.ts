import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createRandom } from '../consumers/models/random.ts'

const folder = mkdtempSync(join(tmpdir(), 'evaluate-'))
after(() => {
  rmSync(folder, { recursive: true })
})

const COLUMNS = 'project,seq,t_rel_s,hour,dow,month,branch,actor,gh_lines_added,failed,duration_s'

interface Row {
  readonly seq: number
  readonly startS: number
  readonly branch: string
  readonly lines: number
  readonly failed: boolean
  readonly durationS: number
}

/** Runs every ten minutes; those of one branch fail mostly. */
function rowsOf(count: number, from: number, seed: number): readonly Row[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const branch = random() < 0.4 ? 'shaky' : 'main'
    return {
      seq: from + i,
      startS: (from + i) * 600,
      branch,
      lines: Math.floor(random() * 500),
      failed: random() < (branch === 'shaky' ? 0.85 : 0.05),
      durationS: branch === 'shaky' ? 60 : 240,
    }
  })
}

const hourOf = (row: Row) => Math.floor(row.startS / 3600) % 24
const dayOf = (row: Row) => Math.floor(row.startS / 86_400) % 7
const csvOf = (rows: readonly Row[]) =>
  [
    COLUMNS,
    ...rows.map((row) =>
      [
        'p',
        row.seq,
        row.startS,
        hourOf(row),
        dayOf(row),
        1,
        row.branch,
        'x',
        row.lines,
        Number(row.failed),
        row.durationS,
      ].join(),
    ),
  ].join('\n') + '\n'
const askOf = (row: Row) => ({
  type: 'ask',
  run: {
    run_id: `p#${row.seq}`,
    project: 'p',
    seq: row.seq,
    t_rel_s: row.startS,
    hour: hourOf(row),
    dow: dayOf(row),
    month: 1,
    branch: row.branch,
    actor: 'x',
    gh_lines_added: row.lines,
  },
})
const outcomeOf = (row: Row) => ({
  type: 'outcome',
  run_id: `p#${row.seq}`,
  success: !row.failed,
  duration_s: row.durationS,
})

interface Answer {
  readonly run_id: string
  readonly p_success: number
  readonly duration_s?: { readonly p10: number; readonly p50: number; readonly p90: number }
  readonly confident: boolean
}

function evaluate(args: readonly string[], messages: readonly object[]): readonly Answer[] {
  const out = execFileSync(process.execPath, ['evaluate/main.ts', 'deployments', '--stream', ...args], {
    cwd: join(import.meta.dirname, '..'),
    input: [...messages, { type: 'end' }].map((message) => `${JSON.stringify(message)}\n`).join(''),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  return out
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Answer)
}

test('one answer line for each ask, better than the base rate, the same for the same seed and from saved weights', () => {
  const [history, weights] = [join(folder, 'history.csv'), join(folder, 'weights')]
  writeFileSync(history, csvOf(rowsOf(400, 0, 1)))
  const rows = rowsOf(60, 400, 2)
  const messages = rows.flatMap((row) => [askOf(row), outcomeOf(row)])
  const answers = evaluate(['--history', history, '--save-weights', weights], messages)
  assert.deepEqual(
    answers.map((answer) => answer.run_id),
    rows.map((row) => `p#${row.seq}`),
  )
  const right = answers.filter((answer, i) => answer.p_success < 0.5 === rows[i]?.failed).length
  assert.ok(right >= 48, `${right} of 60`)
  for (const { duration_s: range } of answers) assert.ok(range && range.p10 <= range.p50 && range.p50 <= range.p90)
  assert.deepEqual(evaluate(['--history', history, '--weights', weights], messages), answers)
})

test('a report has the figures of all runs and of the first of an unseen project, beside the base rate and a peer that learns', () => {
  const [history, report] = [join(folder, 'known.csv'), join(folder, 'report.md')]
  writeFileSync(history, csvOf(rowsOf(400, 0, 1)))
  const rows = rowsOf(60, 400, 2)
  const unseen = (row: Row) => ({ ...askOf(row), run: { ...askOf(row).run, run_id: `p#${row.seq}`, project: 'q' } })
  const messages = rows.flatMap((row, i) => [i < 5 ? unseen(row) : askOf(row), outcomeOf(row)])
  const answers = evaluate(['--history', history, '--peer', '--report', report], messages)
  const sections = readFileSync(report, 'utf8').split('\n\n| ')
  const right = answers.filter((answer, i) => answer.p_success < 0.5 === rows[i]?.failed).length
  const accuracy = (right / 60).toFixed(4)
  const [, all, first] = sections
  const cells = (line: string | undefined) => line?.split('|').map((cell) => cell.trim()) ?? []
  const rowOf = (section: string | undefined, score: string) =>
    cells(section?.split('\n').find((line) => line.startsWith(`| ${score} `)))
  assert.ok(rowOf(all, 'accuracy')[2]?.startsWith(accuracy), `${rowOf(all, 'accuracy').join()} without ${accuracy}`)
  assert.ok(
    Number(rowOf(all, 'accuracy')[4]) > 0.8,
    `the peer knows the shaky branch: ${rowOf(all, 'accuracy').join()}`,
  )
  assert.match(sections[1] ?? '', /The first 50 runs of q, which the history does not have: 5, of which \d failed/)
  assert.ok(rowOf(first, 'log_loss').length === 6)
})

test('an answer knows outcomes that were told and no others', () => {
  const history = join(folder, 'none.csv')
  writeFileSync(history, csvOf([]))
  const [first, second, third] = rowsOf(3, 0, 3).map((row) => ({ ...row, failed: true }))
  assert.ok(first && second && third)
  const answers = evaluate(['--history', history], [askOf(first), askOf(second), outcomeOf(first), askOf(third)])
  assert.deepEqual(
    answers.map((answer) => answer.p_success > 0.79),
    [true, true, false],
  )
  assert.ok(answers.every((answer) => !answer.confident && answer.duration_s === undefined))
})

test('help tells of every task and is no error; a missing option is one', () => {
  const run = (args: readonly string[]) =>
    spawnSync(process.execPath, ['evaluate/main.ts', ...args], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
    })
  const help = run(['--help'])
  assert.equal(help.status, 0)
  for (const told of ['deployments', 'capacity', '--history', '--replay']) assert.ok(help.stdout.includes(told), told)
  for (const wrong of [[], ['deployments', '--stream'], ['unheard-of'], ['capacity', '--seed', 'x']])
    assert.equal(run(wrong).status, 2, wrong.join(' '))
})
