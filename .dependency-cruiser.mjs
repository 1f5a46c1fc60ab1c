/**
 * Who may import whom, as ARCHITECTURE.md says. A folder that is not named in a rule's `to` is out of reach.
 * layers.test.ts plants a violation and expects this file to find it.
 */
const ours = '^(schemas|runtime|producers|consumers|rust-engine|adapters|evaluate|infra|integration-tests)/'

// Tests, and files that only tests import: a part wired for its tests, a peer that speaks its protocol.
const TEST_SUPPORT = '(\\.test|UnderTest|Peer)\\.(ts|mjs)$'

/** A module may import only these of ours (and itself). */
function only(name, from, allowed, notFrom) {
  return {
    name: `${name}-imports`,
    comment: `${name} may import: ${allowed.join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: from, pathNot: [TEST_SUPPORT, ...(notFrom ?? [])] },
    to: { path: ours, pathNot: allowed },
  }
}

const schemas = '^schemas/'
const runtime = '^runtime/'
const engine = '^rust-engine/ts/'
const models = '^consumers/models/'
const patterns = '^consumers/patterns/'
const ledger = '^consumers/ledger/'

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '\\.test\\.(ts|mjs)$',
          '^schemas/generated/',
          '(^|/)main\\.ts$',
          '^schemas/generate\\.ts$',
          '\\.d\\.m?ts$',
          '\\.mjs$',
        ],
      },
      to: {},
    },
    {
      name: 'only-dependencies',
      severity: 'error',
      // Neither these nor evaluate/ are in the package.
      from: { pathNot: [TEST_SUPPORT, '^integration-tests/', '^infra/', '^evaluate/'] },
      to: { dependencyTypes: ['npm-dev'] },
    },
    { name: 'no-undeclared', severity: 'error', from: {}, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] } },
    {
      name: 'kafkajs-behind-its-port',
      comment: 'Everybody else asks runtime/kafka/port.ts, so that another client can stand beside kafkajs.',
      severity: 'error',
      from: { pathNot: ['^runtime/kafka/', '^infra/kafka/', '^integration-tests/'] },
      to: { path: '(^|node_modules/)kafkajs(/|$)' },
    },
    only('schemas', '^schemas/', [schemas]),
    only('rust-engine/ts', '^rust-engine/ts/', [engine]),
    only('runtime', '^runtime/', [runtime, schemas]),
    only('producers', '^producers/', ['^producers/', schemas, runtime, engine]),
    {
      name: 'producers-use-codecs-only',
      comment: 'The gateway keeps no state: of the engine it may use the codecs for hot payloads.',
      severity: 'error',
      from: { path: '^producers/', pathNot: '\\.test\\.ts$' },
      to: { path: '^rust-engine/ts/(engine|door)\\.ts$' },
    },
    only('consumers/models', '^consumers/models/', [models, schemas]),
    only('consumers/patterns', '^consumers/patterns/', [patterns, schemas]),
    ...['deployments', 'incidents', 'metrics', 'infrastructure', 'queries', 'ledger', 'trainer', 'pipeline'].map(
      (folder) =>
        only(`consumers/${folder}`, `^consumers/${folder}/`, [
          `^consumers/${folder}/`,
          schemas,
          runtime,
          engine,
          models,
          patterns,
          ledger,
        ]),
    ),
    {
      name: 'pipeline-by-main-only',
      severity: 'error',
      from: { pathNot: ['^consumers/pipeline/', '^consumers/main\\.ts$', '^integration-tests/', '\\.test\\.ts$'] },
      to: { path: '^consumers/pipeline/' },
    },
    only('adapters', '^adapters/', ['^adapters/', schemas, runtime]),
    only('evaluate', '^evaluate/', ['^evaluate/', schemas, engine, '^consumers/(?!pipeline/|main\\.ts)']),
    only('infra/kafka', '^infra/kafka/', ['^infra/kafka/', schemas, runtime]),
    only('infra/configuration', '^infra/configuration/', [runtime]),
    only('infra/local', '^infra/local/', ['^infra/(local|docker|kafka/pom)']),
    {
      name: 'integration-tests-are-imported-by-nobody',
      severity: 'error',
      from: { pathNot: '^integration-tests/' },
      to: { path: '^integration-tests/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^rust-engine/target' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
