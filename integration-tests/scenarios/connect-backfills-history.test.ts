/**
 * `npm run connect -- github`: history comes by the API as by webhooks, trains and moves no live score; a stop in between loses
 * nothing, a second run adds nothing.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import {
  emptyContent,
  githubServer,
  restJobOf,
  restPullOf,
  restRunOf,
  restDeploymentOf,
  restStatusOf,
  type GithubContent,
} from '../../producers/connect/github/githubUnderTest.ts'
import { deliver } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { useSystem, eventually } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer', 'adapter'] })
const root = fileURLToPath(new URL('../../', import.meta.url))
const HOUR_MS = 3_600_000
const RUNS = 60
const CI = 'ci/unassigned:acme/shop'

/** Every fifth run failed; each third one deployed; the last still runs. */
function historyUntil(now: number): GithubContent {
  const content = emptyContent()
  for (let id = 1; id <= RUNS; id += 1) {
    const at = now - (RUNS - id) * 12 * HOUR_MS - 60_000
    const running = id === RUNS
    const run = restRunOf({
      id,
      at,
      minutes: running ? 0 : 4,
      status: running ? 'in_progress' : 'completed',
      conclusion: id % 5 === 0 ? 'failure' : 'success',
    })
    content.runs.push(run)
    content.jobs[id] = [restJobOf(run, 10_000 + id)]
    if (id % 3 !== 0 || running) continue
    const deployedAt = at + 10 * 60_000
    content.deployments.push(restDeploymentOf(500 + id, deployedAt, deployedAt + 60_000))
    content.statuses[500 + id] = [
      restStatusOf(2 * id, 'in_progress', deployedAt + 1_000, id),
      restStatusOf(2 * id + 1, 'success', deployedAt + 60_000, id),
    ]
  }
  content.pulls.push(restPullOf(9, now - 20 * 24 * HOUR_MS, now - 19 * 24 * HOUR_MS, 'a-head'))
  return content
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The real command. `stopAt`: SIGTERM when its standard error has this. */
async function connect(url: string, stopAt?: RegExp): Promise<Ended> {
  const args = ['producers/connect/main.ts', 'github', 'acme/shop', '--once', '--base-url', url]
  const child = spawn(process.execPath, [...args, '--gateway', system().process('gateway').url], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      GITHUB_TOKEN: 'a token for tests',
      DEVOPS_STATE_FOLDER: `${system().folder}/state`,
      DEVOPS_SERVER_PORT: new URL(system().process('adapter').url).port,
    },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part))
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
    if (!child.killed && stopAt?.test(stderr) === true) child.kill('SIGTERM')
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

interface Listed {
  readonly items: readonly { readonly key: string; readonly conclusion: string | null }[]
  readonly nextCursor: string | null
}

async function listed(): Promise<string[]> {
  const found: string[] = []
  let cursor: string | null = null
  do {
    const input = { limit: 100, ...(cursor === null ? {} : { cursor }) }
    const page = (await system().query('list_deployments', input)) as Listed
    found.push(...page.items.map(({ key, conclusion }) => `${key} ${String(conclusion)}`))
    cursor = page.nextCursor
  } while (cursor !== null)
  return found.sort()
}

test('the history of a repository is known after one command, and only once', async (t) => {
  const content = historyUntil(Date.now())
  const server = await githubServer(t, content, 20)
  // What a webhook told before is the same run.
  const known = content.runs[10]
  const told = { action: 'completed', repository: { full_name: 'acme/shop' }, workflow_run: known }
  assert.equal((await deliver(system(), { event: 'workflow_run', payload: told })).status, 202)

  // Halfway the source asks to be left alone for ten minutes, which is when somebody stops it.
  const halfway = content.jobs[RUNS / 2]
  let asked = false
  Object.defineProperty(content.jobs, RUNS / 2, {
    get: () => {
      if (!asked) server.troubles.push({ status: 503, headers: { 'retry-after': '600' } })
      asked = true
      return halfway
    },
  })
  const stopped = await connect(server.url, /going on in 10 min/)
  assert.equal(stopped.code, 0, stopped.stderr)
  assert.match(stopped.stderr, /started again, it goes on from here/)

  const first = await connect(server.url)
  assert.equal(first.code, 0, first.stderr)
  assert.match(
    first.stdout,
    /^In the 90 days to .* we would have flagged \d+ of \d+ failures of CI runs, with \d+ false alarms? \(\d\d outcomes, 0 of them answered by a model/,
  )
  assert.match(first.stdout, /^No patterns yet: they are mined from 100 outcomes on, there are \d\d\.$/m)
  const expected = [
    ...content.runs.map(({ id, conclusion }) => `github:acme/shop/run/${String(id)} ${String(conclusion)}`),
    ...content.deployments.map(({ id }) => `github:acme/shop/deployment/${String(id)} success`),
  ].sort()
  await eventually('all of it is known', async () => ((await listed()).length === expected.length ? true : null))
  await eventually('and how it ended', async () => {
    assert.deepEqual(await listed(), expected)
    return true
  })

  const rows = await eventually('the ended runs are scored', async () => {
    const found = await ledgerOf(system(), CI)
    return found.filter(({ kind }) => kind === 'scored').length >= RUNS - 1 ? found : null
  })
  const scored = rows.filter(({ kind }) => kind === 'scored')
  assert.deepEqual(
    scored.filter(({ backfilled }) => !backfilled),
    [],
    'history moves no live score',
  )
  const live = rows.filter(({ kind, backfilled }) => kind === 'headline' && !backfilled)
  assert.deepEqual(
    live.map(({ subjectKey }) => subjectKey),
    [`github:acme/shop/run/${String(RUNS)}`],
    'what still runs is foretold',
  )

  const service = await system().query('get_service', { service: CI })
  const again = await connect(server.url)
  assert.equal(again.code, 0, again.stderr)
  assert.match(again.stderr, /of them were sent before/)
  const marker = { ...restRunOf({ id: 999, at: Date.now() - 1_000, status: 'queued', minutes: 0 }) }
  const last = { action: 'requested', repository: { full_name: 'acme/shop' }, workflow_run: marker }
  await deliver(system(), { event: 'workflow_run', payload: last })
  // Events of a service keep their order: once the marker is seen, so is all before it.
  await eventually('the marker is seen', async () =>
    (await listed()).some((line) => line.includes('/run/999 ')) ? true : null,
  )
  const { outcomes } = service as { outcomes: unknown }
  assert.deepEqual(((await system().query('get_service', { service: CI })) as { outcomes: unknown }).outcomes, outcomes)
  assert.equal((await ledgerOf(system(), CI)).filter(({ kind }) => kind === 'scored').length, scored.length)
})
