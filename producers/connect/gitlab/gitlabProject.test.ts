import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { DeploymentEvent } from '../../../schemas/generated/events.ts'
import { NOW } from '../../sources/mappingUnderTest.ts'
import { connectUnderTest } from '../connectUnderTest.ts'
import { clientOf, restServer, type RestServerUnderTest } from '../restServerUnderTest.ts'
import { gitlabAdvice, GitlabApi } from './gitlabApi.ts'
import { GitlabProject } from './gitlabProject.ts'

const DAY = 24 * 3_600_000
const SINCE = NOW - 90 * DAY
const iso = (ms: number): string => new Date(ms).toISOString()
const user = { id: 1, username: 'root', name: 'Administrator', web_url: 'https://gitlab.example.com/root' }

type Json = Readonly<Record<string, unknown>>

/** As https://docs.gitlab.com/api/pipelines/ shows one. */
const pipelineOf = (id: number, at: number, status: string, own: Json = {}): Json => ({
  id,
  iid: id,
  project_id: 1,
  name: 'Build pipeline',
  status,
  source: 'push',
  ref: 'main',
  sha: `sha-${id}`,
  before_sha: `sha-${id - 1}`,
  tag: false,
  user,
  created_at: iso(at),
  updated_at: iso(at + 300_000),
  started_at: status === 'created' ? null : iso(at + 10_000),
  finished_at: ['success', 'failed'].includes(status) ? iso(at + 300_000) : null,
  web_url: `https://gitlab.example.com/group/shop/-/pipelines/${id}`,
  ...own,
})

const jobOf = (id: number, at: number, status: string): Json => ({
  id,
  name: 'rspec',
  stage: 'test',
  status,
  created_at: iso(at),
  started_at: iso(at + 10_000),
  finished_at: iso(at + 200_000),
  user,
})

const deploymentOf = (id: number, at: number, status: string, pipeline: number): Json => ({
  id,
  iid: id,
  ref: 'main',
  sha: `sha-${pipeline}`,
  status,
  created_at: iso(at),
  updated_at: iso(at + 60_000),
  user,
  environment: { id: 9, name: 'production', external_url: 'https://shop.test' },
  deployable: { id: 1, started_at: iso(at + 5_000), finished_at: iso(at + 60_000), pipeline: { id: pipeline } },
})

interface Content {
  pipelines: Json[]
  readonly jobs: Readonly<Record<number, readonly Json[]>>
  readonly deployments: readonly Json[]
  readonly merged: readonly Json[]
}

const diffs = [
  { new_path: 'app/shop.rb', new_file: false, deleted_file: false, diff: '@@ -1,2 +1,3 @@\n-old\n+new\n+more\n same' },
  { new_path: 'Dockerfile', new_file: true, deleted_file: false, diff: '@@ -0,0 +1 @@\n+FROM debian' },
]

function content(): Content {
  return {
    pipelines: [
      pipelineOf(2, NOW - 4 * DAY, 'failed', { before_sha: '0'.repeat(40) }),
      pipelineOf(1, NOW - 5 * DAY, 'success'),
      pipelineOf(3, NOW - 60_000, 'running', { updated_at: iso(NOW - 30_000) }),
    ],
    jobs: { 1: [jobOf(11, NOW - 5 * DAY, 'success')], 2: [jobOf(21, NOW - 4 * DAY, 'failed')] },
    deployments: [deploymentOf(7, NOW - 5 * DAY + 400_000, 'success', 1)],
    merged: [
      {
        iid: 12,
        sha: 'head-of-12',
        merge_commit_sha: 'merge-of-12',
        target_branch: 'main',
        created_at: iso(NOW - 7 * DAY),
        updated_at: iso(NOW - 6 * DAY),
        merged_at: iso(NOW - 6 * DAY),
        author: user,
      },
    ],
  }
}

function gitlabServer(t: TestContext, { pipelines, ...all }: Content, perPage = 2): Promise<RestServerUnderTest> {
  const root = '/projects/group%2Fshop'
  return restServer(t, (url) => {
    if (!url.pathname.startsWith(`${root}/`)) return null
    const [kind, id = '', part] = url.pathname.slice(root.length + 1).split('/')
    const after = Date.parse(url.searchParams.get('updated_after') ?? '1970-01-01')
    const paged = (items: readonly Json[]) => {
      const page = Number(url.searchParams.get('page') ?? '1')
      const next = new URL(url)
      next.searchParams.set('page', String(page + 1))
      const given = items.filter((item) => !('updated_at' in item) || Date.parse(String(item['updated_at'])) >= after)
      const more = page * perPage < given.length
      return {
        body: given.slice((page - 1) * perPage, page * perPage),
        next: more ? `${next.pathname}${next.search}` : null,
      }
    }
    if (kind === 'pipelines' && part === 'jobs') return paged(all.jobs[Number(id)] ?? [])
    if (kind === 'pipelines' && id !== '') return { body: pipelines.find((each) => each['id'] === Number(id)) }
    if (kind === 'pipelines') return paged(pipelines)
    if (kind === 'deployments') return paged(all.deployments)
    if (kind === 'merge_requests') return paged(part === 'diffs' ? diffs : all.merged)
    if (kind === 'repository') return id === 'compare' ? { body: { diffs } } : paged(diffs)
    return null
  })
}

function projectAt(server: RestServerUnderTest): GitlabProject {
  const { client } = clientOf(server.url, { advice: gitlabAdvice })
  const api = new GitlabApi(client, 'group/shop', (what) => {
    assert.fail(what)
  })
  return new GitlabProject({ name: 'group/shop', api, skip: new Set(), connectedAt: NOW, now: () => NOW })
}

const told = ({ key, phase, conclusion, backfilled }: DeploymentEvent): string =>
  `${key.replace('gitlab:group/shop/', '')} ${phase}${conclusion === null ? '' : ` ${conclusion}`}${backfilled ? '' : ' live'}`

test('the history of a project in order, what still runs is live', async (t) => {
  const server = await gitlabServer(t, content())
  const { follower, events } = await connectUnderTest(t, 'gitlab')
  const reader = follower(projectAt(server), SINCE)
  await reader.backfill()
  assert.deepEqual(events().map(told), [
    'commit/merge-of-12 changed',
    'commit/sha-1 changed',
    'pipeline/1 requested',
    'pipeline/1 started',
    'pipeline/1 step success',
    'pipeline/1 finished success',
    'deployment/7 requested',
    'deployment/7 started',
    'deployment/7 finished success',
    'commit/sha-2 changed',
    'pipeline/2 requested',
    'pipeline/2 started',
    'pipeline/2 step failure',
    'pipeline/2 finished failure',
    'commit/sha-3 changed',
    'pipeline/3 requested live',
    'pipeline/3 started live',
  ])
  const [deployment] = events().filter(({ key }) => key.endsWith('deployment/7'))
  assert.equal(deployment?.service, 'production/unassigned:group/shop')
  assert.deepEqual(deployment.links, ['gitlab:group/shop/pipeline/1'])
  const change = events().find(({ key }) => key.endsWith('sha-1'))?.change
  assert.deepEqual(
    [change?.linesAdded, change?.linesDeleted, change?.filesAdded, change?.filesModified, change?.dockerfileChanged],
    [3, 1, 1, 1, true],
  )
  assert.doesNotMatch(JSON.stringify(events()), /"root"|Administrator/)
  assert.ok(server.asked.some((path) => path.includes('/repository/compare?from=sha-0&to=sha-1')))
  assert.ok(
    server.asked.some((path) => path.includes('/repository/commits/sha-2/diff')),
    'the first push of a branch has nothing before it',
  )
  assert.equal(reader.tally.ended(), '2 CI runs (1 failed) and 1 deployment (0 failed)')
})

test('a second run adds nothing, a poll what changed', async (t) => {
  const all = content()
  const server = await gitlabServer(t, all)
  const { follower, events } = await connectUnderTest(t, 'gitlab')
  await follower(projectAt(server), SINCE).backfill()
  const first = events().length
  let polls = 0
  const sleep = (): Promise<void> => {
    polls += 1
    if (polls === 2)
      all.pipelines[2] = pipelineOf(3, NOW - 60_000, 'failed', { updated_at: iso(NOW), finished_at: iso(NOW) })
    return polls > 3 ? Promise.reject(new Error('the test is over')) : Promise.resolve()
  }
  const again = follower(projectAt(server), SINCE, sleep)
  await again.backfill()
  assert.equal(events().length, first)
  await assert.rejects(again.poll(1_000), /the test is over/)
  const since = events().slice(first).map(told)
  assert.equal(since.filter((line) => line === 'pipeline/3 finished failure live').length, 1, since.join('\n'))
})

test('a wrong token is told with what to do', async (t) => {
  const server = await gitlabServer(t, content())
  server.troubles.push({ status: 401, body: '{"message":"401 Unauthorized"}' })
  const { follower } = await connectUnderTest(t, 'gitlab')
  await assert.rejects(
    follower(projectAt(server), SINCE).backfill(),
    /401 Unauthorized: the token is wrong .*GITLAB_TOKEN/,
  )
})
