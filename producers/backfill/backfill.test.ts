/** The command over a real gateway, without Kafka. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ScoreCounter } from '../../schemas/scores/counts.ts'
import { scorecardOf } from '../../schemas/scores/scorecard.ts'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { restDeploymentOf, restJobOf, restPullOf, restRunOf, restStatusOf } from '../connect/github/githubUnderTest.ts'
import { gatewayUnderTest } from '../gatewayUnderTest.ts'
import { NOW } from '../sources/mappingUnderTest.ts'

const HOUR = 3_600_000
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function system(t: TestContext) {
  const { server, log } = await gatewayUnderTest()
  const gateway = await server.listen({ host: '127.0.0.1', port: 0 })
  const folder = mkdtempSync(join(tmpdir(), 'backfill-'))
  t.after(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return name
  }
  let child: ChildProcessWithoutNullStreams | null = null
  // Whatever else runs on this machine is not asked: this adapter has nothing scored, and Ctrl-C comes with the first question.
  const adapter = createServer((_request, response) => {
    const figures = scorecardOf(new ScoreCounter().counts())
    const window = { subject: 'ci_run', source: 'backfilled', from: at(0), to: at(100) }
    const freshness = { freshThrough: at(100), complete: true, incompleteReason: null, completeSince: null }
    response.end(JSON.stringify({ ...window, ...figures, ...freshness }), () => {
      child?.kill('SIGINT')
    })
  })
  const run = async (...args: readonly string[]): Promise<Ended> => {
    adapter.listen(0, '127.0.0.1')
    await once(adapter, 'listening')
    const env = { DEVOPS_SERVER_PORT: String((adapter.address() as AddressInfo).port) }
    child = spawn(process.execPath, [main, '--gateway', gateway, ...args], { cwd: folder, env })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part))
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part))
    const [code] = (await once(child, 'close')) as [number | null]
    adapter.close()
    return { code, stdout, stderr }
  }
  return { run, file, events: () => log.read('devops.deployments') as DeploymentEvent[] }
}

const told = ({ key, phase, conclusion }: DeploymentEvent): string =>
  [key.replace(/^github:[^/]+\/[^/]+\//, ''), phase, ...(conclusion === null ? [] : [conclusion])].join(' ')

const at = (hours: number): string => new Date(NOW - 100 * HOUR + hours * HOUR).toISOString()
const line = (own: object): string =>
  JSON.stringify({ type: 'deployment', service: 'production/shop', key: 'a', ...own })

test('files of the REST API in any form: one history in order', async (t) => {
  const { run, file, events } = await system(t)
  const first = restRunOf({ id: 1, at: NOW - 30 * HOUR })
  const second = restRunOf({ id: 2, at: NOW - 20 * HOUR, conclusion: 'failure' })
  const deployedAt = NOW - 29 * HOUR
  // As `gh api --paginate` writes pages, one behind the other, and lists.
  file('runs.json', [second, first].map((each) => JSON.stringify({ total_count: 2, workflow_runs: [each] })).join(''))
  file('jobs.jsonl', [restJobOf(second, 21), restJobOf(first, 11)].map((each) => JSON.stringify(each)).join('\n'))
  const deployment = {
    ...restDeploymentOf(7, deployedAt),
    url: 'https://api.github.com/repos/octo-org/octo-repo/deployments/7',
  }
  const status = {
    ...restStatusOf(70, 'success', deployedAt + 60_000, 1),
    deployment_url: deployment.url,
    url: `${deployment.url}/statuses/70`,
  }
  file(
    'deployments.json',
    JSON.stringify([deployment, status, restPullOf(9, NOW - 40 * HOUR, NOW - 31 * HOUR, 'h')], null, 2),
  )
  const ended = await run('github', 'runs.json', 'jobs.jsonl', 'deployments.json')
  assert.equal(ended.code, 0, ended.stderr)
  assert.equal(ended.stdout, '12 events sent: 2 CI runs (1 failed) and 1 deployment (0 failed); 0 refused.\n')
  assert.deepEqual(events().map(told), [
    'commit/h changed',
    'commit/merge-of-9 changed',
    'run/1 requested',
    'run/1 started',
    'run/1 step success',
    'run/1 finished success',
    'deployment/7 requested',
    'deployment/7 finished success',
    'run/2 requested',
    'run/2 started',
    'run/2 step failure',
    'run/2 finished failure',
  ])
  assert.ok(events().every(({ backfilled }) => backfilled))
  assert.deepEqual(events().find(({ key }) => key.endsWith('deployment/7'))?.links, ['github:octo-org/octo-repo/run/1'])
})

test('what gh run list writes is the same run as that of the API', async (t) => {
  const { run, file, events } = await system(t)
  const rest = restRunOf({ id: 5, at: NOW - HOUR, conclusion: 'failure' })
  const gh = {
    attempt: 1,
    conclusion: 'failure',
    createdAt: rest['created_at'],
    databaseId: 5,
    event: 'push',
    headBranch: 'main',
    headSha: rest['head_sha'],
    startedAt: rest['run_started_at'],
    status: 'completed',
    updatedAt: rest['updated_at'],
    url: 'https://github.com/octo-org/octo-repo/actions/runs/5',
    workflowDatabaseId: rest['workflow_id'],
    workflowName: 'CI',
  }
  file('rest.json', JSON.stringify([rest]))
  file('gh.json', JSON.stringify([gh]))
  assert.equal((await run('github', 'rest.json')).code, 0)
  const before = events()
  assert.equal((await run('github', 'gh.json')).code, 0)
  const plain = (event: DeploymentEvent) => ({ ...event, actor: null })
  assert.deepEqual(events().slice(before.length).map(plain), before.map(plain))
})

test('what cannot be taken is named by file, line and field, the rest is sent', async (t) => {
  const { run, file, events } = await system(t)
  const whole = restRunOf({ id: 1, at: NOW - HOUR })
  const headless = { ...whole, head_sha: undefined }
  file(
    'runs.json',
    `[\n${[headless, whole, { url: whole['url'], id: 1 }, restJobOf({ ...whole, id: 99 }, 5)].map((each) => JSON.stringify(each)).join(',\n')},\n{"a":}]`,
  )
  const ended = await run('github', 'runs.json')
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /^runs\.json:2: head_sha: is missing$/m)
  assert.match(ended.stderr, /^runs\.json:4: is no workflow run, job, deployment, deployment status or pull request$/m)
  assert.match(ended.stderr, /^runs\.json:5: run_id: there is no run 99 in the files$/m)
  assert.match(ended.stderr, /^runs\.json:6: is no JSON: /m)
  assert.match(ended.stdout, /3 events sent.*; 4 refused\./)
  assert.deepEqual(events().map(told), ['run/1 requested', 'run/1 started', 'run/1 finished success'])
})

test('our own JSON in any order is sent in order, as history unless it says otherwise', async (t) => {
  const { run, file, events } = await system(t)
  const lines = Array.from({ length: 250 }, (_, i) => line({ key: `k${i}`, phase: 'started', occurredAt: at(i / 10) }))
  file(
    'all.jsonl',
    [...lines.toReversed(), '', line({ key: 'live', phase: 'started', occurredAt: at(90), backfilled: false })].join(
      '\n',
    ),
  )
  const ended = await run('jsonl', 'all.jsonl')
  assert.deepEqual([ended.code, ended.stdout], [0, '251 events sent; 0 refused.\n'], ended.stderr)
  assert.deepEqual(
    events().map(({ key }) => key),
    [...Array.from({ length: 250 }, (_, i) => `events:k${i}`), 'events:live'],
  )
  assert.deepEqual(
    events()
      .filter(({ backfilled }) => !backfilled)
      .map(({ key }) => key),
    ['events:live'],
  )
})

test('bad lines are named with field and reason and do not stop the rest', async (t) => {
  const { run, file, events } = await system(t)
  file(
    'some.jsonl',
    [
      line({ phase: 'started', occurredAt: at(1) }),
      '{"type":',
      line({ phase: 'finished', occurredAt: at(2) }),
      line({ phase: 'started' }),
      line({ phase: 'started', occurredAt: 'yesterday' }),
      line({
        key: 'deep',
        phase: 'started',
        occurredAt: at(3),
        links: JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`) as unknown,
      }),
      line({ phase: 'finished', conclusion: 'success', occurredAt: at(4) }),
      line({ phase: 'started', key: 'x', occurredAt: at(5), sevrice: 'a' }),
    ].join('\n'),
  )
  const ended = await run('jsonl', 'some.jsonl')
  assert.equal(ended.code, 1)
  for (const expected of [
    /^some\.jsonl:2: is no JSON: /m,
    /^some\.jsonl:3: conclusion: phase finished needs a conclusion$/m,
    /^some\.jsonl:4: occurredAt: is missing: history needs a time$/m,
    /^some\.jsonl:5: occurredAt: is no ISO 8601 time with a zone$/m,
    /^some\.jsonl:6: .*nested deeper/m,
    /^some\.jsonl:8: .*sevrice/m,
  ])
    assert.match(ended.stderr, expected)
  assert.equal(ended.stdout, '2 events sent; 6 refused.\n')
  assert.deepEqual(events().map(told), ['events:a started', 'events:a finished success'])
})

test('a missing file and a gateway that is not there are told with exit code 2', async (t) => {
  const { run, file } = await system(t)
  assert.match((await run('jsonl', 'nowhere.jsonl')).stderr, /ENOENT.*nowhere\.jsonl/)
  assert.equal((await run('github', 'nowhere.json')).code, 2)
  file('some.jsonl', '')
  const alone = await run('--gateway', 'http://127.0.0.1:9', 'jsonl', 'some.jsonl')
  assert.equal(alone.code, 2)
  assert.match(alone.stderr, /the gateway does not answer at http:\/\/127\.0\.0\.1:9: is `npm start` running\?/)
})
