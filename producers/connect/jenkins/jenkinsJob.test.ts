import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { DeploymentEvent } from '../../../schemas/generated/events.ts'
import { NOW } from '../../sources/mappingUnderTest.ts'
import { connectUnderTest } from '../connectUnderTest.ts'
import { clientOf, restServer, type RestServerUnderTest } from '../restServerUnderTest.ts'
import { jenkinsAdvice, JenkinsJob } from './jenkinsJob.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const SINCE = NOW - 90 * DAY

type Json = Readonly<Record<string, unknown>>

const buildOf = (number: number, at: number, result: string | null, own: Json = {}): Json => ({
  _class: 'org.jenkinsci.plugins.workflow.job.WorkflowRun',
  number,
  result,
  building: result === null,
  timestamp: at,
  duration: result === null ? 0 : 5 * MINUTE,
  actions: [
    { _class: 'hudson.model.CauseAction', causes: [{ _class: 'hudson.model.Cause$UserIdCause', userId: 'jdoe' }] },
    {},
    {
      _class: 'hudson.plugins.git.util.BuildData',
      lastBuiltRevision: {
        SHA1: `sha-${number}`,
        branch: [{ SHA1: `sha-${number}`, name: 'refs/remotes/origin/main' }],
      },
      remoteUrls: ['https://github.com/acme/shop.git'],
    },
  ],
  changeSets: [
    {
      items: [
        {
          paths: [
            { editType: 'add', file: 'src/a.java' },
            { editType: 'edit', file: 'README.md' },
          ],
        },
      ],
    },
  ],
  ...own,
})

/** A folder with one job; Jenkins gives the newest first, as many as the range in `tree` says. */
function jenkinsServer(t: TestContext, builds: Json[]): Promise<RestServerUnderTest> {
  return restServer(t, ({ pathname, searchParams }) => {
    if (pathname === '/job/shop/api/json')
      return { body: { fullName: 'shop', jobs: [{ url: 'https://jenkins.test/job/shop/job/main/' }] } }
    if (pathname !== '/job/shop/job/main/api/json') return null
    const [, from, to] = /\{(\d+),(\d+)\}$/.exec(searchParams.get('tree') ?? '') ?? []
    const newest = builds.toSorted((a, b) => Number(b['number']) - Number(a['number']))
    return { body: { fullName: 'shop/main', allBuilds: newest.slice(Number(from), Number(to)) } }
  })
}

function jobAt(server: RestServerUnderTest): JenkinsJob {
  const { client } = clientOf(server.url, { advice: jenkinsAdvice })
  const unreadable = (what: string): never => assert.fail(what)
  return new JenkinsJob({ url: `${server.url}/job/shop/`, client, unreadable, connectedAt: NOW, now: () => NOW })
}

const told = ({ key, phase, conclusion, backfilled }: DeploymentEvent): string =>
  `${key} ${phase}${conclusion === null ? '' : ` ${conclusion}`}${backfilled ? '' : ' live'}`

test('the builds of all jobs in a folder, in order', async (t) => {
  const builds = [
    buildOf(1, NOW - 100 * DAY, 'SUCCESS'),
    buildOf(2, NOW - 3 * DAY, 'SUCCESS'),
    buildOf(3, NOW - 2 * DAY, 'UNSTABLE', { changeSets: [] }),
    buildOf(4, NOW - MINUTE, null),
  ]
  const server = await jenkinsServer(t, builds)
  const { follower, events } = await connectUnderTest(t, 'jenkins')
  const reader = follower(jobAt(server), SINCE)
  await reader.backfill()
  assert.deepEqual(events().map(told), [
    'jenkins:acme/shop/commit/sha-2 changed',
    'jenkins:shop/main/build/2 started',
    'jenkins:shop/main/build/2 finished success',
    'jenkins:shop/main/build/3 started',
    'jenkins:shop/main/build/3 finished failure',
    'jenkins:acme/shop/commit/sha-4 changed live',
    'jenkins:shop/main/build/4 started live',
  ])
  const [change, started] = events()
  assert.deepEqual([change?.change?.filesAdded, change?.change?.filesModified, change?.change?.docFiles], [1, 1, 1])
  assert.deepEqual(
    [started?.service, started?.branch, started?.trigger, started?.repository],
    ['ci/unassigned:acme/shop', 'main', 'manual', 'acme/shop'],
  )
  assert.match(started?.actor ?? '', /^p-/)
  assert.equal(reader.tally.ended(), '2 CI runs (1 failed)')
})

test('many builds come in ranges, and what ended later is told once', async (t) => {
  const builds = Array.from({ length: 250 }, (_, i) => buildOf(i + 1, NOW - DAY + i * MINUTE, 'SUCCESS'))
  builds.push(buildOf(251, NOW - MINUTE, null))
  const server = await jenkinsServer(t, builds)
  const { follower, events } = await connectUnderTest(t, 'jenkins')
  let polls = 0
  const sleep = (): Promise<void> => {
    polls += 1
    if (polls === 2) builds[250] = buildOf(251, NOW - MINUTE, 'FAILURE')
    return polls > 3 ? Promise.reject(new Error('the test is over')) : Promise.resolve()
  }
  const reader = follower(jobAt(server), SINCE, sleep)
  await reader.backfill()
  const first = events().length
  assert.equal(first, 250 * 3 + 2)
  await assert.rejects(reader.poll(1_000), /the test is over/)
  assert.deepEqual(events().slice(first).map(told), [
    'jenkins:acme/shop/commit/sha-251 changed live',
    'jenkins:shop/main/build/251 started live',
    'jenkins:shop/main/build/251 finished failure live',
  ])
})

test('a job that may not be seen is told with what to do', async (t) => {
  const server = await jenkinsServer(t, [])
  server.troubles.push({ status: 403, body: '<html>Authentication required</html>' })
  const { follower } = await connectUnderTest(t, 'jenkins')
  await assert.rejects(follower(jobAt(server), SINCE).backfill(), /answered 403: give <user>:<API token>/)
})
