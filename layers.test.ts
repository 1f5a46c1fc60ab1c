/** The layer table is enforced: a planted violation is found, and what is allowed passes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('./', import.meta.url))

/** Cruises a tree that consists of these files alone. */
function cruise(files: Readonly<Record<string, string>>): { status: number | null; out: string } {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'))
  try {
    for (const [file, text] of Object.entries({
      'tsconfig.json': '{}',
      'package.json': '{"type":"module"}',
      ...files,
    })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    const binary = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
    const folders = [...new Set(Object.keys(files).map((f) => String(f.split('/')[0])))].filter(
      (name) => name !== 'node_modules' && name !== 'package.json',
    )
    const done = spawnSync(process.execPath, [binary, '--config', join(root, '.dependency-cruiser.mjs'), ...folders], {
      cwd: folder,
    })
    return { status: done.status, out: done.stdout.toString() + done.stderr.toString() }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const PLANTED = [
  { rule: 'runtime-imports', from: 'runtime/a.ts', to: 'producers/b.ts' },
  { rule: 'schemas-imports', from: 'schemas/a.ts', to: 'runtime/b.ts' },
  { rule: 'rust-engine/ts-imports', from: 'rust-engine/ts/a.ts', to: 'schemas/b.ts' },
  { rule: 'producers-imports', from: 'producers/a.ts', to: 'consumers/b.ts' },
  { rule: 'producers-use-codecs-only', from: 'producers/a.ts', to: 'rust-engine/ts/engine.ts' },
  { rule: 'consumers/models-imports', from: 'consumers/models/a.ts', to: 'runtime/b.ts' },
  { rule: 'consumers/incidents-imports', from: 'consumers/incidents/a.ts', to: 'consumers/metrics/b.ts' },
  { rule: 'pipeline-by-main-only', from: 'consumers/queries/a.ts', to: 'consumers/pipeline/b.ts' },
  { rule: 'adapters-imports', from: 'adapters/a.ts', to: 'rust-engine/ts/b.ts' },
  { rule: 'evaluate-imports', from: 'evaluate/a.ts', to: 'consumers/main.ts' },
  { rule: 'infra/kafka-imports', from: 'infra/kafka/a.ts', to: 'producers/b.ts' },
  { rule: 'infra/configuration-imports', from: 'infra/configuration/a.ts', to: 'schemas/b.ts' },
  { rule: 'infra/local-imports', from: 'infra/local/a.mjs', to: 'runtime/b.ts' },
  { rule: 'integration-tests-are-imported-by-nobody', from: 'infra/a.ts', to: 'integration-tests/b.ts' },
]

function importOf(from: string, to: string): string {
  return `import '${'../'.repeat(from.split('/').length - 1)}${to}'\n`
}

for (const { rule, from, to } of PLANTED) {
  test(`layers: ${from} may not import ${to}`, () => {
    const { status, out } = cruise({ [from]: importOf(from, to), [to]: 'export {}\n' })
    assert.notEqual(status, 0, out)
    assert.ok(out.includes(`error ${rule}: ${from} → ${to}`), out)
  })
}

test('layers: kafkajs is imported behind its port alone', () => {
  const kafkajs = "import type { Kafka } from 'kafkajs'\nexport type Client = Kafka\n"
  const { status, out } = cruise({
    'package.json': '{"type":"module","dependencies":{"kafkajs":"2"}}',
    'node_modules/kafkajs/package.json': '{"name":"kafkajs","main":"index.js"}',
    'node_modules/kafkajs/index.js': '',
    'consumers/main.ts': kafkajs,
    'runtime/kafka/main.ts': kafkajs,
  })
  assert.notEqual(status, 0, out)
  assert.ok(out.includes('error kafkajs-behind-its-port: consumers/main.ts → '), out)
  assert.ok(!out.includes('kafkajs-behind-its-port: runtime/kafka/'), out)
})

test('layers: what the table allows passes', () => {
  const allowed: [string, string][] = [
    ['runtime/a.ts', 'schemas/b.ts'],
    ['adapters/a.ts', 'runtime/a.ts'],
    ['evaluate/a.ts', 'consumers/deployments/b.ts'],
  ]
  const files = Object.fromEntries(
    allowed.flatMap(([from, to]) => [
      [to, 'export {}\n'],
      [from, importOf(from, to)],
    ]),
  )
  const { status, out } = cruise({ ...files, 'runtime/a.ts': importOf('runtime/a.ts', 'schemas/b.ts') })
  assert.equal(status, 0, out)
})

test('layers: a file that nobody imports is found', () => {
  const { out } = cruise({ 'runtime/a.ts': 'export {}\n' })
  assert.match(out, /error no-orphans: runtime\/a\.ts/)
})

test('layers: what is shipped may not import what only development needs', () => {
  const { status, out } = cruise({
    'package.json': '{"type":"module","devDependencies":{"dev-only":"1.0.0"}}',
    'node_modules/dev-only/package.json': '{"name":"dev-only","version":"1.0.0","type":"module","exports":"./main.js"}',
    'node_modules/dev-only/main.js': 'export {}\n',
    'runtime/a.ts': "import 'dev-only'\n",
  })
  assert.notEqual(status, 0, out)
  assert.match(out, /error only-dependencies: runtime\/a\.ts → node_modules\/dev-only/)
})

test('layers: a cycle is found', () => {
  const { out } = cruise({ 'schemas/a.ts': "import './b.ts'\n", 'schemas/b.ts': "import './a.ts'\n" })
  assert.match(out, /error no-cycles/)
})
