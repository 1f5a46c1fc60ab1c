import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { sign } from '@octokit/webhooks-methods'
import { Refusal } from '../refusal.ts'
import { mapGithub, signatureMatches } from './github.ts'
import type { Mapped, NotOfInterest } from './mapped.ts'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { assertEncodes, mappingWith, NOW } from './mappingUnderTest.ts'

interface Example {
  readonly name: string
  readonly examples: readonly Record<string, unknown>[]
}

/** Published sets, and at least how many of their payloads are events. */
const SETS = { 'api.github.com': 30, 'ghes-31': 3, 'ghes-32': 3, 'ghes-33': 4, 'ghes-34': 7, 'ghes-35': 7 }
const KINDS = [
  'check_run',
  'deployment',
  'deployment_status',
  'ping',
  'pull_request',
  'push',
  'workflow_job',
  'workflow_run',
]

function examplesOf(set: string): readonly Example[] {
  const path = new URL(import.meta.resolve(`@octokit/webhooks-examples/${set}/index.json`))
  return JSON.parse(readFileSync(path, 'utf8')) as readonly Example[]
}

function payloadsOf(kind: string, set = 'api.github.com'): readonly Record<string, unknown>[] {
  return examplesOf(set).find(({ name }) => name === kind)?.examples ?? []
}

const mapping = mappingWith()
const eventOf = (mapped: Mapped): DeploymentEvent => {
  assert.ok(mapped.kind === 'events', JSON.stringify(mapped))
  const [only, ...more] = mapped.events
  assert.equal(more.length, 0)
  assert.ok(only?.topic === 'devops.deployments')
  return only.event
}
const reasonOf = (mapped: Mapped): string =>
  mapped.kind === 'events' ? (mapped.events[0]?.event.id ?? '') : mapped.reason

/** What becomes of each published example, in their order: subject/phase/conclusion, or why it is not of interest. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  check_run: [
    ...Array<NotOfInterest>(6).fill('check_of_no_workflow_run'),
    'action_tells_no_status', // requested_action
    'action_tells_no_status', // rerequested
    'action_tells_no_status',
  ],
  deployment: Array<string>(4).fill('deployment/requested'),
  deployment_status: [
    'deployment/finished/success',
    'deployment/started',
    'deployment/finished/success',
    'deployment/finished/success',
  ],
  ping: Array<NotOfInterest>(4).fill('ping'),
  push: [
    'tag_changes_no_code',
    'ref_deleted',
    'ref_deleted',
    'ref_deleted',
    'change/changed',
    'change/changed',
    'ref_deleted',
  ],
  workflow_job: ['ci_run/step', 'ci_run/step/failure', 'ci_run/step/success', ...Array<string>(5).fill('ci_run/step')],
  workflow_run: [
    'completed_without_conclusion',
    'ci_run/finished/success',
    'ci_run/finished/success',
    'ci_run/requested',
    'ci_run/requested',
  ],
}

const PULL_REQUEST_ACTIONS: Readonly<Record<string, string>> = {
  opened: 'change/changed',
  reopened: 'change/changed',
  synchronize: 'change/changed',
  ready_for_review: 'change/changed',
  closed: 'pull_request_closed_unmerged',
}

function outcomeOf(mapped: Mapped): string {
  if (mapped.kind === 'not_of_interest') return mapped.reason
  const { subject, phase, conclusion } = eventOf(mapped)
  return [subject, phase, ...(conclusion === null ? [] : [conclusion])].join('/')
}

describe('published examples', () => {
  for (const [kind, expected] of Object.entries(EXPECTED)) {
    test(`${kind}: each is an event or not of interest for a reason`, () => {
      assert.deepEqual(
        payloadsOf(kind).map((payload) => outcomeOf(mapGithub(kind, payload, mapping))),
        expected,
      )
    })
  }

  test('pull_request: by action', () => {
    const payloads = payloadsOf('pull_request')
    assert.equal(payloads.length, 29)
    for (const payload of payloads) {
      const action = String(payload['action'])
      const expected = PULL_REQUEST_ACTIONS[action] ?? 'pull_request_keeps_its_code'
      assert.equal(outcomeOf(mapGithub('pull_request', payload, mapping)), expected, action)
    }
  })

  for (const [set, eventsMin] of Object.entries(SETS)) {
    test(`${set}: every event encodes, and a redelivery is the same event`, () => {
      let events = 0
      for (const kind of KINDS) {
        for (const payload of payloadsOf(kind, set)) {
          const mapped = mapGithub(kind, payload, mapping)
          if (mapped.kind !== 'events') continue
          for (const event of mapped.events) assertEncodes(event)
          const again = mapGithub(kind, payload, { ...mapping, now: NOW + 3_600_000 })
          assert.equal(eventOf(again).id, eventOf(mapped).id)
          events += 1
        }
      }
      assert.ok(events >= eventsMin, `${set} has ${events} events`)
    })
  }

  test('other kinds are not of interest', () => {
    for (const { name, examples } of examplesOf('api.github.com')) {
      if (KINDS.includes(name)) continue
      for (const payload of examples) assert.equal(reasonOf(mapGithub(name, payload, mapping)), 'kind_not_subscribed')
    }
  })
})

const repository = { full_name: 'acme/shop' }
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, seconds)).toISOString()

function run(action: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    action,
    repository,
    workflow: { id: 5, name: 'build', path: '.github/workflows/build.yml' },
    workflow_run: {
      id: 900,
      name: 'build',
      head_branch: 'main',
      head_sha: 'abc',
      event: 'pull_request',
      status: action,
      conclusion: null,
      workflow_id: 5,
      run_attempt: 1,
      run_started_at: at(0),
      created_at: at(0),
      updated_at: at(9),
      triggering_actor: { login: 'mona' },
      ...more,
    },
  }
}

function job(status: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    action: status,
    repository,
    workflow_job: {
      id: 31,
      run_id: 900,
      run_attempt: 1,
      name: 'test',
      workflow_name: 'build',
      head_branch: 'main',
      head_sha: 'abc',
      status,
      conclusion: null,
      created_at: at(1),
      started_at: at(2),
      completed_at: null,
      ...more,
    },
  }
}

function check(details: string, app = 'github-actions'): Record<string, unknown> {
  return {
    action: 'completed',
    repository,
    check_run: {
      id: 31,
      name: 'test',
      head_sha: 'abc',
      details_url: details,
      status: 'completed',
      conclusion: 'success',
      started_at: at(2),
      completed_at: at(8),
      app: { slug: app },
      check_suite: { head_branch: 'main' },
    },
  }
}

describe('folding', () => {
  test('a run, its jobs and its checks share key and service', () => {
    const events = [
      mapGithub('workflow_run', run('requested'), mapping),
      mapGithub('workflow_run', run('in_progress'), mapping),
      mapGithub('workflow_job', job('queued'), mapping),
      mapGithub('workflow_job', job('completed', { conclusion: 'success', completed_at: at(8) }), mapping),
      mapGithub('check_run', check('https://github.com/acme/shop/actions/runs/900/job/31'), mapping),
      mapGithub('workflow_run', run('completed', { conclusion: 'timed_out' }), mapping),
    ].map(eventOf)
    assert.deepEqual([...new Set(events.map(({ key }) => key))], ['github:acme/shop/run/900'])
    assert.deepEqual([...new Set(events.map(({ service }) => service))], ['ci/unassigned:acme/shop'])
    assert.deepEqual(
      events.map(({ phase, conclusion }) => `${phase} ${conclusion ?? '-'}`),
      ['requested -', 'started -', 'step -', 'step success', 'step success', 'finished timeout'],
    )
    assert.equal(events[3]?.step?.key, events[4]?.step?.key, 'a check of a job is that job')
    assert.equal(events[0]?.occurredAt, Date.parse(at(0)))
    assert.equal(events[5]?.occurredAt, Date.parse(at(9)))
    assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
  })

  test('a check whose details lead elsewhere belongs to no run', () => {
    const elsewhere = [
      check('https://github.com/acme/other/actions/runs/900/job/31'),
      check('https://github.com/acme/shop/runs/31'),
      check('https://github.com/acme/shop/actions/runs/x/job/31'),
      check('not a url'),
      check('https://github.com/acme/shop/actions/runs/900/job/31', 'some-app'),
    ]
    for (const payload of elsewhere) {
      assert.equal(reasonOf(mapGithub('check_run', payload, mapping)), 'check_of_no_workflow_run')
    }
  })

  test('a re-run is the next attempt of the same key', () => {
    const first = eventOf(mapGithub('workflow_run', run('completed', { conclusion: 'failure' }), mapping))
    const second = eventOf(
      mapGithub('workflow_run', run('completed', { conclusion: 'failure', run_attempt: 2 }), mapping),
    )
    assert.equal(second.key, first.key)
    assert.deepEqual([first.attempt, second.attempt], [1, 2])
    assert.notEqual(second.id, first.id)
  })

  test('deployment and run are linked by ids', () => {
    const payload = payloadsOf('deployment')[1]
    const event = eventOf(mapGithub('deployment', payload, mapping))
    assert.deepEqual(event.links, ['github:Codertocat/Hello-World/run/289782451'])
    const waiting = eventOf(mapGithub('workflow_job', { ...job('waiting'), deployment: { id: 12 } }, mapping))
    assert.deepEqual(waiting.links, ['github:acme/shop/deployment/12'])
  })

  test('statuses fold into the deployment, inactive ends it without failure', () => {
    const payload = payloadsOf('deployment_status')[0] ?? {}
    const states = ['pending', 'queued', 'waiting', 'in_progress', 'success', 'failure', 'error', 'inactive', 'unheard']
    const mapped = states.map((state, index) =>
      mapGithub(
        'deployment_status',
        { ...payload, deployment_status: { id: index, state, created_at: at(index) } },
        mapping,
      ),
    )
    assert.deepEqual(mapped.map(outcomeOf), [
      'deployment/requested',
      'deployment/requested',
      'deployment/requested',
      'deployment/started',
      'deployment/finished/success',
      'deployment/finished/failure',
      'deployment/finished/error',
      'deployment/finished/inactive',
      'unknown_status',
    ])
    const events = mapped.slice(0, -1).map(eventOf)
    assert.deepEqual([...new Set(events.map(({ key }) => key))], ['github:Codertocat/Hello-World/deployment/145988746'])
    assert.deepEqual([...new Set(events.map(({ environment }) => environment))], ['production'])
  })
})

describe('identity', () => {
  const monorepo = mappingWith(`
version: 1
services:
  shop: { repositories: [{ repository: acme/shop, workflows: [build] }] }
  docs: { repositories: [acme/shop] }
deployments:
  - { repository: acme/shop, workflow: release, environment: prod }
`)

  test('a workflow decides the service of a run and its jobs alike', () => {
    const events = [
      mapGithub('workflow_run', run('in_progress'), monorepo),
      mapGithub('workflow_job', job('queued'), monorepo),
    ]
    assert.deepEqual(
      events.map((mapped) => eventOf(mapped).service),
      ['ci/shop', 'ci/shop'],
    )
  })

  test('a check cannot name its workflow, so it is left to workflow_job', () => {
    const mapped = mapGithub('check_run', check('https://github.com/acme/shop/actions/runs/900/job/31'), monorepo)
    assert.equal(reasonOf(mapped), 'check_of_a_mapped_workflow')
  })

  test('a workflow mapped to an environment is a deployment', () => {
    const payload = run('in_progress')
    const event = eventOf(
      mapGithub('workflow_run', { ...payload, workflow: { id: 6, name: 'release', path: 'r.yml' } }, monorepo),
    )
    assert.deepEqual([event.subject, event.service, event.environment], ['deployment', 'production/docs', 'production'])
    const step = eventOf(mapGithub('workflow_job', job('queued', { workflow_name: 'release' }), monorepo))
    assert.deepEqual([step.subject, step.service, step.key], ['deployment', event.service, event.key])
  })

  test('persons are pseudonyms', () => {
    const event = eventOf(mapGithub('workflow_run', run('in_progress'), mapping))
    assert.match(event.actor ?? '', /^p-[0-9a-f]{32}$/)
    assert.ok(!JSON.stringify(event).includes('mona'))
  })
})

describe('change sizes', () => {
  const push = (commits: readonly object[]): Record<string, unknown> => ({
    ref: 'refs/heads/main',
    before: '000',
    after: 'def',
    deleted: false,
    repository: { ...repository, pushed_at: Date.parse(at(3)) / 1000 },
    sender: { login: 'mona' },
    commits,
  })

  test('a push counts each file once, as its commits left it', () => {
    const event = eventOf(
      mapGithub(
        'push',
        push([
          { added: ['src/a.ts', 'gone.txt'], removed: [], modified: ['README.md'] },
          {
            added: ['compose.yaml'],
            removed: ['gone.txt', 'old.bin'],
            modified: ['src/a.ts', 'README.md', 'Dockerfile'],
          },
        ]),
        mapping,
      ),
    )
    assert.equal(event.key, 'github:acme/shop/commit/def')
    assert.equal(event.occurredAt, Date.parse(at(3)))
    assert.deepEqual(event.change, {
      filesAdded: 2,
      filesDeleted: 1,
      filesModified: 2,
      linesAdded: null,
      linesDeleted: null,
      srcFiles: 1,
      docFiles: 1,
      otherFiles: 3,
      dockerfileChanged: true,
      composeChanged: true,
      fileTypes: 'bin md ts yaml',
    })
  })

  test('a push that tells no files has no size', () => {
    assert.equal(eventOf(mapGithub('push', push([{ id: 'x' }]), mapping)).change, null)
    assert.equal(reasonOf(mapGithub('push', push([]), mapping)), 'push_without_commits')
  })

  test('a merged pull request is the size of its merge commit', () => {
    const opened = payloadsOf('pull_request')[0] ?? {}
    const pull = opened['pull_request'] as Record<string, unknown>
    const merged = { ...opened, action: 'closed', pull_request: { ...pull, merged: true, merge_commit_sha: 'merge' } }
    const event = eventOf(mapGithub('pull_request', merged, mapping))
    assert.equal(event.key, 'github:Codertocat/Hello-World/commit/merge')
    assert.equal(event.branch, 'master')
    assert.deepEqual(event.links, ['github:Codertocat/Hello-World/commit/ec26c3e57ca3a959ca5aad62de7213c562f8c821'])
    assert.deepEqual(
      [event.change?.linesAdded, event.change?.linesDeleted, event.change?.filesModified, event.change?.filesAdded],
      [1, 1, 1, null],
    )
  })
})

describe('what is no valid delivery', () => {
  test('a missing field is named', () => {
    assert.throws(
      () => mapGithub('workflow_run', { ...run('completed'), repository: { full_name: 'no-slash' } }, mapping),
      (error: unknown) =>
        error instanceof Refusal && error.statusCode === 400 && error.field === 'repository.full_name',
    )
  })

  test('only the signature of this body with this secret is right', async () => {
    const body = Buffer.from('{"zen":"é"}')
    const secret = 'a secret of some length'
    const signature = await sign(secret, body.toString())
    assert.equal(signatureMatches(secret, body, signature), true)
    assert.equal(signatureMatches('another secret', body, signature), false)
    assert.equal(signatureMatches(secret, Buffer.from('{"zen":"e"}'), signature), false)
    for (const wrong of ['', 'sha256=', signature.slice(0, -1), `${signature}0`, signature.toUpperCase()]) {
      assert.equal(signatureMatches(secret, body, wrong), false, wrong)
    }
  })
})
