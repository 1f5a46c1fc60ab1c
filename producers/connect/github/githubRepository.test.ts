import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeploymentEvent } from '../../../schemas/generated/events.ts'
import { NOW } from '../../sources/mappingUnderTest.ts'
import { connectUnderTest } from '../connectUnderTest.ts'
import { clientOf, type RestServerUnderTest } from '../restServerUnderTest.ts'
import { githubAdvice, GithubApi } from './githubApi.ts'
import { GithubRepository, type Skippable } from './githubRepository.ts'
import {
  emptyContent,
  githubServer,
  iso,
  restDeploymentOf,
  restJobOf,
  restPullOf,
  restRunOf,
  restStatusOf,
  type GithubContent,
} from './githubUnderTest.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SINCE = NOW - 90 * DAY

function repositoryAt(server: RestServerUnderTest, skip: readonly Skippable[] = []): GithubRepository {
  const { client } = clientOf(server.url, { advice: githubAdvice })
  const api = new GithubApi(client, 'acme/shop', (what) => {
    assert.fail(what)
  })
  return new GithubRepository({ name: 'acme/shop', api, skip: new Set(skip), connectedAt: NOW, now: () => NOW })
}

/** Two pushes, the second of which failed and was run again; a deployment by it; a merged pull request. */
function content(): GithubContent {
  const first = restRunOf({ id: 1, at: NOW - 10 * DAY })
  const again = restRunOf({ id: 2, at: NOW - 5 * DAY + HOUR, attempt: 2 })
  const failed = restRunOf({ id: 2, at: NOW - 5 * DAY, conclusion: 'failure' })
  const running = restRunOf({ id: 3, at: NOW - 60_000, status: 'in_progress', minutes: 0 })
  const deployedAt = NOW - 5 * DAY + 2 * HOUR
  return {
    ...emptyContent(),
    runs: [{ ...again, created_at: failed['created_at'] }, first, running],
    attempts: { '2/1': failed },
    jobs: {
      1: [restJobOf(first, 11), restJobOf(first, 12, 'lint')],
      2: [restJobOf(failed, 21), restJobOf(again, 22)],
      3: [restJobOf(running, 31)],
    },
    deployments: [restDeploymentOf(7, deployedAt, deployedAt + 120_000)],
    statuses: {
      7: [restStatusOf(72, 'success', deployedAt + 120_000, 2), restStatusOf(71, 'in_progress', deployedAt + 1_000, 2)],
    },
    pulls: [restPullOf(9, NOW - 12 * DAY, NOW - 10 * DAY - HOUR, 'head-of-9')],
  }
}

const told = ({ key, phase, attempt, conclusion, backfilled }: DeploymentEvent) =>
  `${key.replace('github:acme/shop/', '')} ${phase} ${attempt}${conclusion === null ? '' : ` ${conclusion}`}${backfilled ? '' : ' live'}`

test('a history comes in the order in which it happened, what still runs is live', async (t) => {
  const server = await githubServer(t, content(), 2)
  const { follower, events } = await connectUnderTest(t, 'github')
  const reader = follower(repositoryAt(server), SINCE)
  await reader.backfill()
  assert.deepEqual(events().map(told), [
    'commit/head-of-9 changed 1',
    'commit/merge-of-9 changed 1',
    `commit/${'1'.padStart(40, 'a')} changed 1`,
    'run/1 requested 1',
    'run/1 started 1',
    'run/1 step 1 success',
    'run/1 step 1 success',
    'run/1 finished 1 success',
    `commit/${'2'.padStart(40, 'a')} changed 1`,
    'run/2 requested 1',
    'run/2 started 1',
    'run/2 step 1 failure',
    'run/2 finished 1 failure',
    'run/2 requested 2',
    'run/2 started 2',
    'run/2 step 2 success',
    'run/2 finished 2 success',
    'deployment/7 requested 1',
    'deployment/7 started 1',
    'deployment/7 finished 1 success',
    `commit/${'3'.padStart(40, 'a')} changed 1`,
    'run/3 requested 1 live',
    'run/3 started 1 live',
    'run/3 step 1 live',
  ])
  const times = events().map(({ occurredAt }) => occurredAt)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  assert.equal(reader.tally.ended(), '3 CI runs (1 failed) and 1 deployment (0 failed)')
})

test('what is told of a run and a deployment is what the webhooks tell', async (t) => {
  const server = await githubServer(t, content())
  const { follower, events } = await connectUnderTest(t, 'github')
  await follower(repositoryAt(server), SINCE).backfill()
  const deployment = events().find(({ key, phase }) => key.endsWith('deployment/7') && phase === 'finished')
  assert.deepEqual(deployment?.links, ['github:acme/shop/run/2'], 'linked to the run that its statuses name')
  const change = events().find(({ key }) => key.endsWith(`commit/${'2'.padStart(40, 'a')}`))
  assert.deepEqual(
    [change?.change?.linesAdded, change?.change?.filesModified, change?.change?.srcFiles],
    [12, 1, 1],
    'compared with the push before',
  )
  assert.ok(server.asked.some((path) => path.includes(`/compare/${'1'.padStart(40, 'a')}...${'2'.padStart(40, 'a')}`)))
  const started = events().find(({ key, phase }) => key.endsWith('run/1') && phase === 'started')
  assert.equal(started?.occurredAt, NOW - 10 * DAY + 10_000, 'with its first job')
  for (const { actor } of events()) assert.match(actor ?? 'p-', /^p-[0-9a-f]*$/)
  assert.doesNotMatch(JSON.stringify(events()), /octocat|Codertocat/i)
})

test('a second run sends what is new, and without its resume file the same again', async (t) => {
  const all = content()
  const server = await githubServer(t, all)
  const { follower, events, said } = await connectUnderTest(t, 'github')
  await follower(repositoryAt(server), SINCE).backfill()
  const first = events()
  const asked = server.asked.length

  await follower(repositoryAt(server), SINCE + DAY).backfill()
  assert.equal(events().length, first.length, 'all of it was sent before')
  assert.ok(server.asked.length - asked < 10, 'and only the lists were read again')
  assert.ok(said.includes('acme/shop: 5 found, 5 of them were sent before'), said.join('\n'))

  await follower(repositoryAt(server), SINCE - DAY).backfill()
  assert.deepEqual(
    events()
      .slice(first.length)
      .map(({ id }) => id),
    first.map(({ id }) => id),
    'an earlier beginning: everything again, under the same ids',
  )
})

test('an interrupted history goes on from where it stood', async (t) => {
  const runs = Array.from({ length: 40 }, (_, i) => restRunOf({ id: i + 1, at: NOW - 60 * DAY + i * DAY }))
  const server = await githubServer(t, { ...emptyContent(), runs })
  const { follower, events, log, clock } = await connectUnderTest(t, 'github')
  const ids = () => new Set(events().map(({ id }) => id))
  const publish = log.publish.bind(log)
  log.publish = (records) => {
    if (log.records.length >= 60) return Promise.reject(new Error('the broker went away'))
    // The place is saved once a second.
    clock.now += 2_000
    return publish(records)
  }
  const repository = () => repositoryAt(server, ['changes'])
  await assert.rejects(follower(repository(), SINCE).backfill(), /refused \/v1\/deliveries with 500/)
  const before = events().length
  assert.ok(before >= 60 && before < 70, String(before))
  log.publish = publish
  await follower(repository(), SINCE).backfill()
  assert.equal(ids().size, 40 * 3)
  assert.ok(events().length < 40 * 3 + 6, 'of what was sent before, only the last run again')
})

test('more runs than a listing gives are all found', async (t) => {
  const runs = Array.from({ length: 2_300 }, (_, i) => restRunOf({ id: i + 1, at: NOW - 3 * DAY + i * 60_000 }))
  const server = await githubServer(t, { ...emptyContent(), runs })
  const found = await repositoryAt(server, ['jobs', 'changes']).history(SINCE, () => undefined)
  assert.equal(found.length, 2_300)
})

test('polling tells what changed, and only that', async (t) => {
  const all = content()
  const server = await githubServer(t, all)
  const { follower, events } = await connectUnderTest(t, 'github')
  let polls = 0
  const rounds: (() => void)[] = [
    () => undefined,
    () => {
      // The run ends, an old one is started again, and a deployment begins.
      const ended = restRunOf({ id: 3, at: NOW - 60_000, conclusion: 'failure', minutes: 1 })
      all.runs = all.runs.map((run) => (run['id'] === 3 ? { ...ended, updated_at: iso(NOW + 1000) } : run))
      const rerun = restRunOf({ id: 1, at: NOW, attempt: 2, status: 'in_progress', minutes: 0 })
      all.attempts['1/1'] = restRunOf({ id: 1, at: NOW - 10 * DAY })
      all.runs = all.runs.map((run) => (run['id'] === 1 ? { ...rerun, created_at: run['created_at'] } : run))
      all.deployments.push(restDeploymentOf(8, NOW))
    },
    () => {
      all.statuses[8] = [restStatusOf(81, 'failure', NOW + 2000)]
    },
    () => undefined,
  ]
  const counts: number[] = []
  const sleep = (): Promise<void> => {
    counts.push(events().length)
    const round = rounds[polls]
    polls += 1
    round?.()
    return round === undefined ? Promise.reject(new Error('the test is over')) : Promise.resolve()
  }
  const reader = follower(repositoryAt(server), SINCE, sleep)
  await reader.backfill()
  const unmodified = server.notModified
  await assert.rejects(reader.poll(60_000), /the test is over/)
  const [history = 0, quiet = 0, , , last = 0] = counts
  assert.equal(quiet, history, 'nothing changed, nothing is sent')
  const since = events().slice(history).map(told)
  for (const line of [
    'run/3 finished 1 failure live',
    'run/1 requested 2 live',
    'deployment/8 requested 1 live',
    'deployment/8 finished 1 failure live',
  ])
    assert.ok(since.includes(line), `${line} is not among\n${since.join('\n')}`)
  assert.equal(counts.at(-2), last, 'and once told it is not told again')
  assert.ok(server.notModified - unmodified >= 8, 'lists that did not change are answered with 304')
})

test('a repository that may not be read is told with what to do', async (t) => {
  const server = await githubServer(t, emptyContent())
  const { follower } = await connectUnderTest(t, 'github')
  server.troubles.push({ status: 404, body: '{"message":"Not Found"}' })
  await assert.rejects(
    follower(repositoryAt(server), SINCE).backfill(),
    /answered 404: Not Found: is the name right, and may the token read the repository/,
  )
})

test('a run that was deleted while the history is read is left out', async (t) => {
  const all = content()
  all.jobs[1] = null
  const server = await githubServer(t, all)
  const { follower, events, said } = await connectUnderTest(t, 'github')
  await follower(repositoryAt(server), SINCE).backfill()
  assert.ok(said.some((line) => line.startsWith('run/1 is gone')))
  assert.deepEqual(
    events().filter(({ key }) => key.endsWith('run/1')),
    [],
  )
  assert.ok(events().some(({ key }) => key.endsWith('run/2')))
})

test('only what the gateway reads is sent to it', async (t) => {
  const server = await githubServer(t, content())
  const items = await repositoryAt(server).history(SINCE, () => undefined)
  const deliveries = (await Promise.all(items.map((item) => item.deliveries()))).flat()
  assert.doesNotMatch(JSON.stringify(deliveries), /avatar_url|html_url|"email"|node_id|"patch"/)
})
