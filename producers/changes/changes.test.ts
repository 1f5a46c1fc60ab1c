/** Change sizes on their way to the attempts that ship them: what webhooks tell, and what GitHub is asked for. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { restServer, type Page, type RestServerUnderTest } from '../connect/restServerUnderTest.ts'
import { gatewayUnderTest, signed, type GatewayUnderTest } from '../gatewayUnderTest.ts'
import { mappingWith } from '../sources/mappingUnderTest.ts'
import { mapGithub } from '../sources/github.ts'
import type { TopicEvent } from '../sources/mapping.ts'
import { createChangeLookups, type LookupResult } from './changeLookups.ts'
import { createFilesOf } from './githubFiles.ts'
import { KnownChanges } from './knownChanges.ts'
import type { Lookup } from './lookup.ts'

type Json = Readonly<Record<string, unknown>>

const examples = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as readonly { readonly name: string; readonly examples: readonly Json[] }[]
const exampleOf = (kind: string, wanted: (example: Json) => boolean = () => true): Json =>
  examples.find(({ name }) => name === kind)?.examples.find(wanted) ?? assert.fail(kind)

const BASE = 'b'.repeat(40)
const SHA = 'a'.repeat(40)
const OTHER = 'c'.repeat(40)
const FILES = [
  { filename: 'src/shop.ts', status: 'modified', additions: 12, deletions: 3, patch: '@@' },
  { filename: 'Dockerfile', status: 'added', additions: 4, deletions: 0, patch: '@@' },
]
const COMPARED = {
  linesAdded: 16,
  linesDeleted: 3,
  filesAdded: 1,
  filesModified: 1,
  srcFiles: 1,
  dockerfileChanged: true,
}

const pull = (sha = SHA): Json => {
  const example = exampleOf('pull_request', ({ action }) => action === 'opened')
  const told = example['pull_request'] as Json
  const [head, base] = [told['head'] as Json, told['base'] as Json]
  return {
    ...example,
    pull_request: {
      ...told,
      head: { ...head, sha },
      base: { ...base, sha: BASE },
      additions: 16,
      deletions: 3,
      changed_files: 2,
      commits: 2,
    },
  }
}
const push = (): Json => ({
  ...exampleOf('push', ({ ref }) => String(ref).startsWith('refs/heads/')),
  before: BASE,
  after: SHA,
  deleted: false,
})
const deployed = (sha = SHA, id = 1): Json => {
  const example = exampleOf('deployment')
  return { ...example, deployment: { ...(example['deployment'] as Json), sha, id } }
}
const ran = (sha: string): Json => {
  const example = exampleOf('workflow_run')
  const pulls = [{ number: 1, head: { sha, ref: 'topic' }, base: { sha: BASE, ref: 'main' } }]
  return {
    ...example,
    action: 'requested',
    workflow_run: { ...(example['workflow_run'] as Json), head_sha: sha, pull_requests: pulls },
  }
}

const deploymentsOf = ({ log }: GatewayUnderTest): DeploymentEvent[] =>
  log.read('devops.deployments') as DeploymentEvent[]

async function deliver(gateway: GatewayUnderTest, kind: string, payload: Json): Promise<void> {
  const body = JSON.stringify(payload)
  const answer = await gateway.post('/webhooks/github', body, signed(kind, body))
  assert.equal(answer.statusCode, 202, answer.body)
}

function partOf(event: DeploymentEvent | undefined): Json {
  const { change } = event ?? assert.fail('there is no such event')
  assert.ok(change)
  return Object.fromEntries(Object.keys(COMPARED).map((name) => [name, change[name as keyof typeof change]]))
}

describe('what webhooks tell', () => {
  test('a deployment carries the size of the pull request whose head it ships', async () => {
    const gateway = await gatewayUnderTest()
    await deliver(gateway, 'pull_request', pull())
    await deliver(gateway, 'deployment', deployed())
    const [change, deployment] = deploymentsOf(gateway)
    assert.equal(deployment?.subject, 'deployment')
    assert.deepEqual(
      [change?.change?.linesAdded, change?.change?.linesDeleted, change?.change?.filesModified],
      [16, 3, 2],
    )
    assert.deepEqual(deployment.change, change?.change)
    assert.notEqual(deployment.service, change?.service)
    await deliver(gateway, 'deployment', deployed(OTHER, 2))
    assert.equal(deploymentsOf(gateway).at(-1)?.change, null)
  })

  test('the first telling holds, later ones fill its gaps, and a run of the same service is left to the engine', () => {
    const known = new KnownChanges(2)
    const [mapped] = ['pull_request'].map((kind) => mapGithub(kind, pull(), mappingWith()))
    assert.ok(mapped?.kind === 'events')
    const change = mapped.events[0]?.event as DeploymentEvent
    const size = change.change ?? assert.fail()
    known.passed(change)
    assert.equal(known.wholeOf(change), null, 'a pull request tells no files')
    known.passed({ ...change, change: { ...size, linesAdded: 99, srcFiles: 2, filesAdded: 1 } })
    const whole = { ...size, srcFiles: 2, filesAdded: 1 }
    assert.deepEqual(known.wholeOf(change), whole)
    const run: DeploymentEvent = { ...change, subject: 'ci_run', phase: 'requested', change: null }
    assert.equal(known.passed(run).change, null)
    assert.deepEqual(known.passed({ ...run, service: 'production/shop' }).change, whole)
    const own = { ...size, linesAdded: 1 }
    assert.deepEqual(known.passed({ ...run, service: 'production/shop', change: own }).change, own)
    for (const sha of ['1', '2']) known.passed({ ...change, sha })
    assert.equal(known.wholeOf(change), null, 'what was told of long ago makes room')
  })
})

interface LookingUp {
  readonly gateway: GatewayUnderTest
  readonly github: RestServerUnderTest
  /** Resolves when so many look-ups came to an end. */
  readonly ended: (count: number) => Promise<Record<string, number>>
  readonly waits: number[]
}

async function lookingUp(t: TestContext, answer: (url: URL) => Page | null): Promise<LookingUp> {
  const github = await restServer(t, answer)
  const stopping = new AbortController()
  t.after(() => {
    stopping.abort()
  })
  const waits: number[] = []
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms)
    clock += ms
    gateway.log.trouble = null
    return Promise.resolve()
  }
  let clock = 0
  const common = { sleep, signal: stopping.signal }
  const filesOf = createFilesOf({
    ...common,
    token: 'secret-of-the-test',
    apiUrl: `${github.url}/`,
    now: () => clock,
    random: () => 1,
    waiting: () => undefined,
  })
  const gateway = await gatewayUnderTest({ githubLookups: { ...common, filesOf } })
  const ended = async (count: number): Promise<Record<string, number>> => {
    for (let tries = 0; ; tries += 1) {
      const { values } =
        (await gateway.registry.getSingleMetric('devops_gateway_change_lookups_total')?.get()) ?? assert.fail()
      const results = Object.fromEntries(values.map(({ labels, value }) => [String(labels['result']), value]))
      const sum = Object.values(results).reduce((all, value) => all + value, 0)
      if (sum >= count || tries > 500)
        return Object.fromEntries(Object.entries(results).filter(([, value]) => value > 0))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return { gateway, github, ended, waits }
}

const files = (): Page => ({ body: { files: FILES, parents: [] } })
const path = (rest: string): string => `/repos/Codertocat/Hello-World/${rest}`

describe('what GitHub is asked for', () => {
  test('the lines of a push and the files of a pull request, once each, against what they name', async (t) => {
    const { gateway, github, ended } = await lookingUp(t, files)
    await deliver(gateway, 'push', push())
    assert.deepEqual(await ended(1), { found: 1 })
    await deliver(gateway, 'push', push())
    await deliver(gateway, 'pull_request', pull(OTHER))
    assert.deepEqual(await ended(2), { found: 2 })
    assert.deepEqual(github.asked, [
      path(`compare/${BASE}...${SHA}?per_page=1`),
      path(`compare/${BASE}...${OTHER}?per_page=1`),
    ])
    assert.equal(github.heads[0]?.authorization, 'Bearer secret-of-the-test')
    const told = deploymentsOf(gateway).filter(({ sha }) => sha === SHA)
    assert.deepEqual(partOf(told[1]), COMPARED)
    assert.deepEqual(
      told.map(({ subject, phase, key, service }) => [subject, phase, key, service]),
      Array.from({ length: 3 }, () => [
        'change',
        'changed',
        `github:Codertocat/Hello-World/commit/${SHA}`,
        told[0]?.service,
      ]),
    )
    await deliver(gateway, 'deployment', deployed())
    assert.deepEqual(partOf(deploymentsOf(gateway).at(-1)), {
      ...COMPARED,
      // The push told its files first; the engine keeps them too.
      ...Object.fromEntries(Object.entries(partOf(told[0])).filter(([, value]) => value !== null)),
    })
    assert.equal(github.asked.length, 2)
  })

  test('the commit of a run or a deployment that nobody told of, for their own services', async (t) => {
    const { gateway, github, ended } = await lookingUp(t, files)
    await deliver(gateway, 'workflow_run', ran(SHA))
    assert.deepEqual(await ended(1), { found: 1 })
    await deliver(gateway, 'deployment', deployed(OTHER))
    assert.deepEqual(await ended(2), { found: 2 })
    const run = github.asked.map((one) => one.slice(one.indexOf('/', '/repos/'.length)))
    assert.match(run[0] ?? '', new RegExp(`/compare/${BASE}\\.\\.\\.${SHA}\\?`))
    assert.match(run[1] ?? '', new RegExp(`/commits/${OTHER}$`))
    const events = deploymentsOf(gateway)
    const changes = events.filter(({ subject }) => subject === 'change')
    assert.deepEqual(changes.map(partOf), [COMPARED, COMPARED])
    assert.deepEqual(
      changes.map(({ service }) => service),
      events.filter(({ subject }) => subject !== 'change').map(({ service }) => service),
    )
  })

  test('a webhook is answered before, whatever GitHub does', async () => {
    const never = (): Promise<never> => new Promise(() => undefined)
    const { signal } = new AbortController()
    const gateway = await gatewayUnderTest({ githubLookups: { filesOf: never, sleep: never, signal } })
    await deliver(gateway, 'push', push())
    await deliver(gateway, 'deployment', deployed())
    assert.equal(deploymentsOf(gateway).length, 2)
  })

  test('the limit of GitHub is waited for, and what fails on the way is asked for again', async (t) => {
    const { gateway, github, ended, waits } = await lookingUp(t, files)
    github.troubles.push({ status: 429, headers: { 'retry-after': '30' } }, { status: 502 })
    await deliver(gateway, 'push', push())
    assert.deepEqual(await ended(1), { found: 1 })
    assert.equal(waits[0], 30_000)
    assert.equal(github.asked.length, 3)
  })

  test('what GitHub does not have, or does not give, leaves the event as it is', async (t) => {
    const { gateway, github, ended } = await lookingUp(t, () => null)
    await deliver(gateway, 'push', push())
    assert.deepEqual(await ended(1), { gone: 1 })
    github.troubles.push({ status: 401 })
    await deliver(gateway, 'pull_request', pull(OTHER))
    assert.deepEqual(await ended(2), { gone: 1, failed: 1 })
    assert.equal(deploymentsOf(gateway).length, 2)
  })

  test('what Kafka does not take at first is sent again', async (t) => {
    const { gateway, ended, waits } = await lookingUp(t, () => {
      gateway.log.trouble = new Error('away')
      return files()
    })
    await deliver(gateway, 'push', push())
    assert.deepEqual(await ended(1), { found: 1 })
    assert.deepEqual(waits, [1_000])
    assert.equal(deploymentsOf(gateway).length, 2)
  })

  test('names that are no commits are not asked for', async (t) => {
    const { gateway, github, ended } = await lookingUp(t, files)
    await deliver(gateway, 'deployment', deployed('../../user'))
    const { repository } = deployed()
    for (const full_name of ['../..', '../user', 'acme/..', './acme'])
      await deliver(gateway, 'deployment', { ...deployed(OTHER), repository: { ...(repository as Json), full_name } })
    await deliver(gateway, 'push', { ...push(), before: '0'.repeat(40) })
    assert.deepEqual(await ended(1), { found: 1 })
    assert.deepEqual(github.asked, [path(`commits/${SHA}`)])
  })
})

test('what waits is bounded, a repeat waits once, and a base that is told later is taken', async () => {
  const asked: Lookup[] = []
  const results: LookupResult[] = []
  const published: TopicEvent[] = []
  const answers: (() => void)[] = []
  const lookups = createChangeLookups({
    known: new KnownChanges(),
    filesOf: async (lookup) => {
      asked.push(lookup)
      await new Promise<void>((resolve) => answers.push(resolve))
      return FILES
    },
    publish: (event) => Promise.resolve(void published.push(event)),
    telemetry: {
      lookedUp: (result) => results.push(result),
      lookupFailed: () => undefined,
      lookupsWaiting: () => undefined,
    },
    now: () => 1,
    sleep: () => Promise.resolve(),
    signal: new AbortController().signal,
    waitingMax: 2,
  })
  const hear = (kind: string, payload: Json): void => {
    const mapped = mapGithub(kind, payload, mappingWith())
    assert.ok(mapped.kind === 'events')
    lookups.afterWebhook(mapped.events, payload)
  }
  hear('pull_request', pull(OTHER))
  const run = ran(SHA)
  hear('workflow_run', { ...run, workflow_run: { ...(run['workflow_run'] as Json), pull_requests: [] } })
  hear('push', { ...push(), repository: run['repository'] })
  hear('push', { ...push(), repository: run['repository'] })
  hear('deployment', deployed('d'.repeat(40)))
  assert.deepEqual(results, ['dropped'])
  for (let i = 0; i < 2; i += 1) {
    answers.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(
    asked.map(({ sha, base }) => [sha, base]),
    [
      [OTHER, BASE],
      [SHA, BASE],
    ],
  )
  assert.deepEqual(results, ['dropped', 'found', 'found'])
  assert.equal(published.length, 2)
})
