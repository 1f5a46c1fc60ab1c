import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigurationError, loggable, readConfiguration, unusedKeys } from './configuration.ts'
import { LEAVES } from './keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'devops-configuration-'))
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

function file(text: string): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.yaml`)
  writeFileSync(path, text)
  return path
}

function problems(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    readConfiguration({ file: file(text), env })
  } catch (error) {
    assert.ok(error instanceof ConfigurationError)
    for (const problem of error.problems) assert.ok(error.message.includes(problem))
    return error.problems
  }
  return []
}

test('an empty file gives the defaults of the reference', () => {
  const read = readConfiguration({ file: file(''), env: {} })
  assert.equal(read.server.memoryAllocation, 2_147_483_648)
  assert.equal(read.server.port, 8085)
  assert.deepEqual(Object.values(read.memory.allocations), [1_073_741_824, 536_870_912, 268_435_456, 268_435_456])
  assert.deepEqual(read.performance.targets, {
    deploymentPredictionLatency: 500,
    incidentDetectionLatency: 100,
    remediationExecutionTime: 5000,
    stateSyncLatency: 50,
  })
  assert.deepEqual(read.learning, {
    training: { minSamples: 100, retrainInterval: 3600 },
    prediction: { confidenceThreshold: 0.7, maxPredictionTime: 500 },
    patterns: { similarityThreshold: 0.85, clusteringAlgorithm: 'kmeans' },
  })
  assert.deepEqual(unusedKeys(read), [])
})

test('the example file names every key with its default', () => {
  const path = new URL('../../devops-mcp-server.example.yaml', import.meta.url)
  const read = readConfiguration({ file: path.pathname, env: {} })
  const defaults = readConfiguration({ file: file(''), env: {} })
  const text = readFileSync(path, 'utf8')
  for (const { key, path: names } of LEAVES) {
    assert.match(text, new RegExp(`^ *(# )?${names.at(-1) ?? ''}:`, 'm'), `${key} is missing`)
  }
  assert.deepEqual({ ...read, file: null, setKeys: null }, { ...defaults, file: null, setKeys: null })
})

test('every problem is named at once, by its YAML path, with the nearest known key', () => {
  assert.deepEqual(
    problems(`
gatway: { port: 1 }
gateway: { prot: 8080, publish_timeout_ms: 0, bodyBytesMax: 5 }
learning: { training: { min_sample: 5 } }
retrain_interval: 60
server: 7
time_zone: Mars/Olympus
`),
    [
      'unknown key gatway: did you mean gateway?',
      'unknown key gateway.prot: did you mean gateway.port?',
      'unknown key gateway.bodyBytesMax: did you mean gateway.body_bytes_max?',
      'unknown key learning.training.min_sample: did you mean learning.training.min_samples?',
      'unknown key retrain_interval: did you mean learning.training.retrain_interval?',
      'server: must be a group of keys',
      'gateway.publish_timeout_ms: Too small: expected number to be >0',
      'time_zone: must be an IANA time zone such as Europe/Berlin',
    ],
  )
})

test('YAML that cannot be read is refused with its place, without quoting it', () => {
  const found = problems('gateway:\n  token: "0123456789abcdef-secret\n')
  assert.ok(found.length > 0)
  assert.match(found[0] ?? '', /^line \d+, column \d+: /)
  assert.ok(!found.join('\n').includes('secret'))
  assert.match(problems('a: 1\na: 2')[0] ?? '', /unique/)
  assert.match(problems('- list')[0] ?? '', /group of keys/)
  assert.throws(() => readConfiguration({ file: join(folder, 'absent.yaml'), env: {} }), /ENOENT/)
})

test('quotas must sum to the pool', () => {
  assert.match(problems('server: { memory_allocation: 1000000 }')[0] ?? '', /sum to 2147483648 bytes/)
  const half = `
server: { memory_allocation: 400 }
memory: { allocations: { infrastructure_state: 100, deployment_history: 100, incident_database: 100, active_operations: 100 } }
`
  assert.deepEqual(problems(half), [])
})

test('alerts of the memory are ascending shares', () => {
  assert.deepEqual(problems('memory: { alerts: { notice: 0.5, warning: 0.6, critical: 1 } }'), [])
  assert.deepEqual(problems('memory: { alerts: { warning: 0.97 } }'), [
    'memory.alerts: notice 0.8, warning 0.97 and critical 0.95 must be ascending, each above the one before',
  ])
  assert.deepEqual(problems('memory: { alerts: { notice: 0, critical: 95 } }'), [
    'memory.alerts.notice: Too small: expected number to be >0',
    'memory.alerts.critical: Too big: expected number to be <=1',
  ])
})

test('environments: a closed list with ci in it, no name twice', () => {
  const text = `
environments:
  - { name: live, tier: production, aliases: [prod] }
  - { name: test, tier: staging, aliases: [Prod] }
`
  assert.deepEqual(problems(text), [
    'environments: prod belongs to both live and test',
    'environments: one must be named ci, where CI runs live',
  ])
})

test('the environment overrides the file; customary names count, our own win', () => {
  const env = {
    KAFKA_BROKERS: 'a:1, b:2',
    SCHEMA_REGISTRY_URL: 'http://other:1/',
    DEVOPS_SCHEMA_REGISTRY_URL: 'http://registry:2/',
    DEVOPS_GATEWAY_PORT: '9000',
    DEVOPS_LEARNING_PREDICTION_CONFIDENCE_THRESHOLD: '0.9',
    DEVOPS_GATEWAY_TOKEN: '0123456789012345',
    DEVOPS_ENVIRONMENTS: '[{name: ci, tier: development}]',
    DEVOPS_STATE_FOLDER: '',
    DEVOPS_TEAM: 'somebody else',
  }
  const read = readConfiguration({ file: file('gateway: { port: 1, host: "::1" }'), env })
  assert.deepEqual(read.kafka.brokers, ['a:1', 'b:2'])
  assert.equal(read.schemaRegistry.url, 'http://registry:2/')
  assert.deepEqual([read.gateway.port, read.gateway.host, read.gateway.token], [9000, '::1', '0123456789012345'])
  assert.equal(read.learning.prediction.confidenceThreshold, 0.9)
  assert.deepEqual(read.environments, [{ name: 'ci', tier: 'development', aliases: [] }])
  assert.equal(read.stateFolder, '.state')
})

test('a variable that looks like a typo of ours is refused, a bad value is named by its key', () => {
  assert.deepEqual(problems('', { DEVOPS_GATEWAY_PROT: '1', DEVOPS_CONSUMER_PORT: 'many' }), [
    'unknown environment variable DEVOPS_GATEWAY_PROT: did you mean DEVOPS_GATEWAY_PORT?',
    'consumer.port: Invalid input: expected number, received string',
  ])
})

test('seeds follow the port of the consumer', () => {
  assert.deepEqual(readConfiguration({ file: file('consumer: { port: 9 }'), env: {} }).consumer.seeds, [
    'http://127.0.0.1:9',
  ])
})

test('keys whose feature is still to come are named when set', () => {
  const text =
    'performance: { targets: { remediation_execution_time: 900 } }\nlearning: { training: { min_samples: 50 } }'
  assert.deepEqual(unusedKeys(readConfiguration({ file: file(text), env: {} })), [
    'performance.targets.remediation_execution_time',
  ])
})

test('secrets are neither logged nor quoted in what is wrong with them', () => {
  const env = { DEVOPS_GATEWAY_TOKEN: '0123456789abcdef!', DEVOPS_GATEWAY_GITHUB_WEBHOOK_SECRET: 'hunter2-hunter2' }
  const text = JSON.stringify(loggable(readConfiguration({ file: file('log_level: debug'), env })))
  assert.equal(text, '{"gateway.token":"(set)","gateway.github_webhook_secret":"(set)","log_level":"debug"}')
  assert.deepEqual(problems('gateway: { token: hunter2 }'), ['gateway.token: must have at least 16 characters'])
  assert.deepEqual(problems('gateway: { github_token: "hunter2\\nhunter2" }'), [
    'gateway.github_token: has a character that no token has',
  ])
})
