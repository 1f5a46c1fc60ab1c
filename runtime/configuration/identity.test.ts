import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_CATALOG, readCatalog } from './catalog.ts'
import { ConfigurationError, readConfiguration } from './configuration.ts'
import {
  deploymentEnvironment,
  formerServices,
  mappedFor,
  resolveEnvironment,
  resolveQuestion,
  resolveService,
  type SourceNames,
} from './identity.ts'

const { environments } = readConfiguration({ env: {} })
const catalog = readCatalog(new URL('../../docs/catalog.example.yaml', import.meta.url).pathname)

const mono = readYamlCatalog(`
version: 1
services:
  a: { aliases: [alpha], prometheus: [job-a], repositories: [{ repository: Acme/Mono, workflows: [Build A], paths: [apps/a/] }] }
  a-web: { kubernetes: [chart-a], repositories: [{ repository: acme/mono, paths: [./apps/a/web] }] }
  b: { open_telemetry: [svc.b], repositories: [{ repository: acme/mono, workflows: [.github/workflows/b.yml] }] }
  rest: { repositories: [acme/mono] }
`)

function readYamlCatalog(text: string): ReturnType<typeof readCatalog> {
  const folder = mkdtempSync(join(tmpdir(), 'devops-catalog-'))
  try {
    const file = join(folder, 'catalog.yaml')
    writeFileSync(file, text)
    return readCatalog(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const everything = {
  explicit: 'x-explicit',
  otelServiceName: 'x-otel',
  kubernetes: { instance: 'x-instance', name: 'x-name', workload: 'x-workload' },
  prometheus: { service: 'x-service', job: 'x-job' },
  repository: 'acme/mono',
} satisfies Omit<SourceNames, 'environment'>

const table: { why: string; names: Omit<SourceNames, 'environment'>; service: string; mapped: boolean }[] = [
  { why: 'its own name', names: { explicit: 'a' }, service: 'a', mapped: true },
  { why: 'alias, case ignored', names: { explicit: ' ALPHA ' }, service: 'a', mapped: true },
  {
    why: 'explicit before OpenTelemetry',
    names: { explicit: 'alpha', otelServiceName: 'svc.b' },
    service: 'a',
    mapped: true,
  },
  {
    why: 'OpenTelemetry where explicit maps to nothing',
    names: { ...everything, otelServiceName: 'svc.b' },
    service: 'b',
    mapped: true,
  },
  {
    why: 'OpenTelemetry before Kubernetes',
    names: { otelServiceName: 'svc.b', kubernetes: { instance: 'a' } },
    service: 'b',
    mapped: true,
  },
  {
    why: 'instance before name',
    names: { kubernetes: { instance: 'chart-a', name: 'b', workload: 'a' } },
    service: 'a-web',
    mapped: true,
  },
  { why: 'name before workload', names: { kubernetes: { name: 'b', workload: 'a' } }, service: 'b', mapped: true },
  {
    why: 'workload before Prometheus',
    names: { kubernetes: { workload: 'chart-a' }, prometheus: { service: 'b' } },
    service: 'a-web',
    mapped: true,
  },
  { why: 'service before job', names: { prometheus: { service: 'b', job: 'job-a' } }, service: 'b', mapped: true },
  {
    why: 'job before repository',
    names: { prometheus: { service: 'x', job: 'job-a' }, repository: 'acme/mono' },
    service: 'a',
    mapped: true,
  },
  { why: 'repository, case ignored', names: { repository: 'ACME/mono' }, service: 'rest', mapped: true },
  {
    why: 'monorepo by workflow name',
    names: { repository: 'acme/mono', workflow: 'build a', path: 'apps/a/web/x.ts' },
    service: 'a',
    mapped: true,
  },
  {
    why: 'monorepo by workflow file',
    names: { repository: 'acme/mono', workflow: '.github/workflows/b.yml' },
    service: 'b',
    mapped: true,
  },
  {
    why: 'monorepo by path',
    names: { repository: 'acme/mono', workflow: 'other', path: '/apps/a/main.ts' },
    service: 'a',
    mapped: true,
  },
  {
    why: 'the deepest path',
    names: { repository: 'acme/mono', path: 'apps/a/web/index.ts' },
    service: 'a-web',
    mapped: true,
  },
  {
    why: 'a folder is no prefix of a name',
    names: { repository: 'acme/mono', path: 'apps/abc/x' },
    service: 'rest',
    mapped: true,
  },
  {
    why: 'a name of one kind of source is not one of another',
    names: { otelServiceName: 'job-a' },
    service: 'unassigned:job-a',
    mapped: false,
  },
  {
    why: 'unassigned by the first name',
    names: { ...everything, repository: 'acme/none' },
    service: 'unassigned:x-explicit',
    mapped: false,
  },
  {
    why: 'unassigned repository',
    names: { repository: 'acme/none' },
    service: 'unassigned:acme/none',
    mapped: false,
  },
  {
    why: 'blank names are none',
    names: { explicit: '  ', repository: '' },
    service: 'unassigned:unknown',
    mapped: false,
  },
  { why: 'no names at all', names: {}, service: 'unassigned:unknown', mapped: false },
]

for (const { why, names, service, mapped } of table) {
  test(`service: ${why}`, () => {
    assert.deepEqual(resolveService({ environment: 'prod', ...names }, mono, environments), {
      service: `production/${service}`,
      environment: 'production',
      mapped,
      unknownEnvironment: false,
    })
  })
}

test('environments: names, aliases, tiers; unknown ones are development, in one segment', () => {
  const cases: [string | null, string, string, boolean][] = [
    ['production', 'production', 'production', false],
    ['PROD', 'production', 'production', false],
    [' stg ', 'staging', 'staging', false],
    ['dev', 'development', 'development', false],
    ['ci', 'ci', 'development', false],
    ['QA 7/eu', 'qa-7-eu', 'development', true],
    ['///', 'unknown', 'development', true],
    ['', 'unknown', 'development', true],
    [null, 'unknown', 'development', true],
  ]
  for (const [name, environment, tier, unknownEnvironment] of cases) {
    assert.deepEqual(resolveEnvironment(name, environments), { environment, tier, unknownEnvironment })
  }
})

test('a question may name an environment by an alias, alone and in a service', () => {
  const asked = (question: object) => resolveQuestion(question, environments)
  assert.deepEqual(asked({ service: 'prod/cart/v2', limit: 3 }), { service: 'production/cart/v2', limit: 3 })
  assert.deepEqual(asked({ environment: 'Prod' }), { environment: 'production' })
  assert.deepEqual(asked({ service: 'production/prod' }), { service: 'production/prod' })
  assert.deepEqual(asked({}), {})
})

test('the example catalog: default environment, deployments, former names', () => {
  const names = { environment: null, prometheus: { job: 'payments-exporter' } }
  assert.equal(resolveService(names, catalog, environments).service, 'production/payments')
  assert.equal(deploymentEnvironment(catalog, 'ACME/payments', [null, 'deploy']), 'production')
  assert.equal(deploymentEnvironment(catalog, 'acme/payments', ['Test']), null)
  assert.deepEqual(formerServices('staging/payments', catalog), [
    'staging/unassigned:acme/payments',
    'staging/unassigned:com.example.payments',
    'staging/unassigned:payments',
    'staging/unassigned:payments-api',
    'staging/unassigned:payments-chart',
    'staging/unassigned:payments-exporter',
  ])
  // A repository of several services was not this one's history.
  assert.deepEqual(formerServices('ci/checkout', catalog), ['ci/unassigned:checkout'])
  assert.equal(catalog.services.get('payments')?.timeZone, 'Europe/Berlin')
})

test('what came before its mapping, in any spelling, is found by it', () => {
  const names = { environment: 'staging', explicit: 'Payments-API' }
  const before = resolveService(names, EMPTY_CATALOG, environments)
  assert.equal(before.service, 'staging/unassigned:payments-api')
  const after = resolveService(names, catalog, environments)
  assert.ok(formerServices(after.service, catalog).includes(before.service))
})

test('a name is mapped for all kinds of sources, for some, or for none', () => {
  assert.deepEqual(
    ['Alpha', 'a', 'job-A', 'chart-a', 'Acme/Mono', 'stranger'].map((name) => mappedFor(name, mono)),
    ['all', 'all', 'some', 'some', 'all', 'none'],
  )
})

test('without a catalog everything is unassigned', () => {
  const found = resolveService({ environment: 'prod', repository: 'acme/payments' }, EMPTY_CATALOG, environments)
  assert.equal(found.service, 'production/unassigned:acme/payments')
  assert.equal(readCatalog(null), EMPTY_CATALOG)
})

test('a catalog is refused whole, with every problem', () => {
  assert.throws(
    () =>
      readYamlCatalog(
        'version: 1\nservices: { a: { alias: [x] }, "b c": {} }\ndeployment: []\ndeployments: [{ repository: r, workflow: w }]',
      ),
    (error) => {
      assert.ok(error instanceof ConfigurationError)
      const text = error.problems.join('\n')
      assert.match(text, /unknown key services\.a\.alias: did you mean aliases\?/)
      assert.match(text, /unknown key deployment: did you mean deployments\?/)
      assert.match(text, /services\.b c/)
      assert.match(text, /deployments\.0\.environment/)
      return true
    },
  )
  assert.throws(
    () =>
      readYamlCatalog(
        'version: 1\nservices: { a: { aliases: [x], repositories: [r] }, b: { aliases: [X], repositories: [R], time_zone: Nowhere/Land } }',
      ),
    (error) => {
      assert.ok(error instanceof ConfigurationError)
      assert.deepEqual(error.problems, [
        'services: x names both a and b',
        'services: repository r belongs to both a and b',
        'services: b has an unknown time zone Nowhere/Land',
      ])
      return true
    },
  )
})

test('whatever a source says, a service is one environment segment and a printable name', () => {
  fc.assert(
    fc.property(
      fc.option(fc.string({ unit: 'binary' })),
      fc.string({ unit: 'binary', minLength: 1 }),
      (environment, explicit) => {
        const found = resolveService({ environment, explicit }, mono, environments)
        assert.match(found.service, /^[a-z0-9][a-z0-9._-]{0,62}\/[^\p{Cc}]+$/u)
        assert.ok(found.service.startsWith(`${found.environment}/`))
        assert.deepEqual(resolveService({ environment, explicit }, mono, environments), found)
      },
    ),
  )
})

test('a service of the longest names is no longer than gateway, engine and queries take', () => {
  const names = { environment: 'e'.repeat(63), explicit: 'İ'.repeat(500) }
  assert.equal(resolveService(names, EMPTY_CATALOG, environments).service.length, 256)
})
