import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { gatewayUnderTest, signed, type ErrorAnswer } from '../gatewayUnderTest.ts'
import { NOW } from '../sources/mappingUnderTest.ts'
import type { DeliveriesAnswer } from './deliveries.ts'

const PATH = '/v1/deliveries'

interface Example {
  readonly name: string
  readonly examples: readonly Record<string, unknown>[]
}

const published = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as readonly Example[]
const payloadsOf = (kind: string) => published.find(({ name }) => name === kind)?.examples ?? []
const bodyOf = (...deliveries: readonly object[]) => JSON.stringify({ source: 'github', deliveries })

test('the same delivery gives the same event, by its webhook or from history', async () => {
  for (const kind of ['workflow_run', 'workflow_job', 'deployment', 'deployment_status', 'push', 'pull_request']) {
    for (const payload of payloadsOf(kind)) {
      const { post, log } = await gatewayUnderTest()
      const body = JSON.stringify(payload)
      await post('/webhooks/github', body, signed(kind, body))
      assert.equal((await post(PATH, bodyOf({ kind, payload }))).statusCode, 202)
      const events = log.read('devops.deployments') as DeploymentEvent[]
      assert.deepEqual(events[1], events[0])
    }
  }
})

test('history is marked, and each delivery is taken or refused by itself', async () => {
  const { post, log } = await gatewayUnderTest()
  const [, payload] = payloadsOf('workflow_run')
  const late = structuredClone(payload) as { workflow_run: { updated_at: string } }
  late.workflow_run.updated_at = new Date(NOW + 3_600_000).toISOString()
  const answer = await post(
    PATH,
    bodyOf(
      { kind: 'workflow_run', payload: { ...payload, workflow_run: { id: 1 } } },
      { kind: 'workflow_run', payload, backfilled: true },
      { kind: 'star', payload: {} },
      { kind: 'workflow_run', payload: late },
    ),
  )
  assert.equal(answer.statusCode, 202)
  const { accepted, notOfInterest, refused } = answer.json<DeliveriesAnswer>()
  assert.equal(accepted, 1)
  assert.deepEqual(notOfInterest, { kind_not_subscribed: 1 })
  assert.deepEqual(
    refused.map(({ index, field }) => [index, field]),
    [
      [0, 'workflow_run.head_sha'],
      [3, 'occurredAt'],
    ],
  )
  assert.match(refused[0]?.reason ?? '', /^is missing, and so are workflow_run\.event/)
  const [event] = log.read('devops.deployments') as DeploymentEvent[]
  assert.equal(event?.backfilled, true)
})

test('an unknown source, too many deliveries and strangers are refused', async () => {
  const { post, server } = await gatewayUnderTest()
  const unknown = await post(PATH, JSON.stringify({ source: 'gitolite', deliveries: [] }))
  assert.equal(unknown.statusCode, 400)
  assert.equal(unknown.json<ErrorAnswer>().error.field, 'source')
  const many = Array.from({ length: 101 }, () => ({ kind: 'ping', payload: {} }))
  assert.equal((await post(PATH, bodyOf(...many))).statusCode, 413)
  const headers = { 'content-type': 'application/json' }
  const far = { method: 'POST', url: PATH, headers, payload: bodyOf(), remoteAddress: '10.0.0.9' } as const
  assert.equal((await server.inject(far)).statusCode, 403)
})

test('the files of a comparison give the whole size of a push', async () => {
  const { post, log } = await gatewayUnderTest()
  const files = [
    { filename: 'src/a.ts', status: 'added', additions: 10, deletions: 0 },
    { filename: 'README.md', status: 'renamed', additions: 1, deletions: 2 },
    { filename: 'Dockerfile', status: 'removed', additions: 0, deletions: 5 },
  ]
  const push = payloadsOf('push').find(({ ref, deleted }) => deleted === false && String(ref).startsWith('refs/heads/'))
  assert.equal((await post(PATH, bodyOf({ kind: 'push', payload: { ...push, commits: [], files } }))).statusCode, 202)
  const [event] = log.read('devops.deployments') as DeploymentEvent[]
  assert.deepEqual(
    { ...event?.change },
    {
      filesAdded: 1,
      filesDeleted: 1,
      filesModified: 1,
      linesAdded: 11,
      linesDeleted: 7,
      srcFiles: 1,
      docFiles: 1,
      otherFiles: 1,
      dockerfileChanged: true,
      composeChanged: false,
      fileTypes: 'md ts',
    },
  )
})
