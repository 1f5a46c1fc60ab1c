import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { disagreements, readSettings } from './settings.mjs'

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

function repositoryWith(t, yaml) {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  if (yaml !== null) writeFileSync(join(folder, 'devops-mcp-server.yaml'), yaml)
  return folder
}

/** What the processes would read, started in that folder. */
function realSettings(folder, env = {}) {
  const main = join(repository, 'infra', 'configuration', 'main.ts')
  return JSON.parse(execFileSync(process.execPath, [main], { cwd: folder, env, stdio: 'pipe' }).toString())
}

const ports = (settings) => Object.fromEntries(settings.listeners.map(({ name, port }) => [name, port]))

test('without a file the documented ports hold and nothing existing is used', (t) => {
  const settings = readSettings(repositoryWith(t, null), {})
  assert.deepEqual(ports(settings), { gateway: 8080, consumer: 8081, trainer: 8082, adapter: 8085 })
  assert.equal(settings.brokers, null)
  assert.equal(settings.registryUrl, null)
})

test('the environment goes before the file, the file before the default', (t) => {
  const yaml = `# ours
server:
  name: ops # the name
  port: 9085
gateway:
  port: 9080
  host: 0.0.0.0
kafka:
  brokers:
    - one:9092
    - two:9092
state_folder: state
`
  const folder = repositoryWith(t, yaml)
  const settings = readSettings(folder, { DEVOPS_SERVER_PORT: '7085' })
  assert.deepEqual(ports(settings), { gateway: 9080, consumer: 8081, trainer: 8082, adapter: 7085 })
  assert.equal(settings.listeners[0].url, 'http://127.0.0.1:9080')
  assert.equal(settings.brokers, 'one:9092,two:9092')
  assert.equal(settings.state, join(folder, 'state'))
  assert.equal(readSettings(folder, { DEVOPS_STATE_FOLDER: 'other' }).state, join(folder, 'other'))
  assert.equal(readSettings(folder, {}, '/elsewhere').state, '/elsewhere')
})

const example = readFileSync(join(repository, 'devops-mcp-server.example.yaml'), 'utf8')
const agreeing = {
  nothing: ['', {}],
  'the example, whole': [example, {}],
  'null in its spellings': ['gateway:\n  token: null\ncatalog_file: ~\nstate_folder: .state\n', {}],
  'an empty section': ['kafka:\nschema_registry: # none of our own\ngateway: null\n', {}],
  'empty variables': [
    '',
    { KAFKA_BROKERS: '', SCHEMA_REGISTRY_URL: '', DEVOPS_SERVER_PORT: '', DEVOPS_MCP_CONFIG: '' },
  ],
  'quotes and comments': [
    `gateway:\n  token: "long enough # and more" # a comment\n  host: '::1'\n  public_hosts: [\n    a, b ]\n`,
    {},
  ],
  lists: ['kafka:\n  brokers: ["a:1", "b:2"]\nenvironments:\n- { name: ci, tier: development }\n', {}],
  'a list on the indent of its key': ['kafka:\n  brokers:\n  - a:1\n  group_id: g\n', {}],
  variables: ['', { KAFKA_BROKERS: 'a:1', DEVOPS_GATEWAY_TOKEN: 'sixteen characters', DEVOPS_TRAINER_HOST: '::' }],
  'nested keys of others': [
    'memory:\n  allocations:\n    port: 5\n'.replace('port: 5', 'incident_database: 268435456'),
    {},
  ],
}
for (const [what, [yaml, env]] of Object.entries(agreeing)) {
  test(`what is read before the installation is what the processes read: ${what}`, (t) => {
    const folder = repositoryWith(t, yaml)
    assert.deepEqual(disagreements(readSettings(folder, env), realSettings(folder, env)), [])
  })
}

test('the example copied whole starts a broker and a registry of its own, without a token', (t) => {
  const { brokers, registryUrl, gatewayToken } = readSettings(repositoryWith(t, example), {})
  assert.deepEqual({ brokers, registryUrl, gatewayToken }, { brokers: null, registryUrl: null, gatewayToken: null })
})

const refused = [
  ['gateway: { port: 9000 }\n', /line 1: its value is not understood/],
  ['x: 1\nkafka: {brokers: [a:1]}\n', /line 2: its value is not understood/],
  ['{ gateway: { port: 9000 } }\n', /line 1: this line is no "key: value"/],
  ['"gateway":\n  port: 9000\n', /line 1: this line is no "key: value"/],
  ['gateway: &here\n  port: 9000\n', /line 1: its value is not understood/],
  ['gateway:\n  <<: *there\n', /line 2: this line is no "key: value"/],
  ['gateway:\n  port: !!int 9000\n', /line 2: its value is not understood/],
  ['gateway:\n  token: "a\\u0041b"\n', /line 2: its value is not understood/],
  ['gateway:\n  token: |\n    a token\n', /line 2: its value is not understood/],
  ['gateway:\n  host: one\n    two\n', /line 3: what stands below gateway.host is not understood/],
  ['gateway:\n    port: 1\n  host: a\n', /line 3: its indent fits no line above/],
  ['gateway:\n  port: 1\ngateway:\n  port: 2\n', /line 3: gateway stands here again/],
  ['kafka:\n  brokers: [a:1,\n    b:2]\n', /line 2: its value is not understood/],
]
for (const [yaml, why] of refused) {
  test(`refused, with file and line: ${JSON.stringify(yaml)}`, (t) => {
    const folder = repositoryWith(t, yaml)
    assert.throws(() => readSettings(folder, {}), { name: 'PlainYamlError', message: why })
  })
}

test('what the processes would read otherwise is named', (t) => {
  const folder = repositoryWith(t, 'gateway:\n  port: 9000\n')
  const settings = readSettings(folder, {})
  assert.deepEqual(disagreements(settings, { ...realSettings(folder), 'address of gateway': '127.0.0.1 8080' }), [
    'address of gateway',
  ])
})
