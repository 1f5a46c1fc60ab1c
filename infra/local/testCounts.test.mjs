import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { cargoResults, readResults, summary } from './testCounts.mjs'

const reporter = new URL('./countingReporter.mjs', import.meta.url).href

/** Runs test files as `npm run check` does: the reporters come by NODE_OPTIONS. */
function run(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'counts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source)
  const report = join(folder, 'report.jsonl')
  const env = {
    ...process.env,
    NODE_OPTIONS: `--test-reporter=spec --test-reporter-destination=stdout --test-reporter=${reporter} --test-reporter-destination=${report}`,
  }
  delete env.NODE_TEST_CONTEXT
  spawnSync(process.execPath, ['--test', ...Object.keys(files).map((name) => join(folder, name))], { env })
  return readResults(report)
}

const count = (results) =>
  Object.fromEntries(
    ['passed', 'failed', 'skipped'].map((outcome) => [
      outcome,
      results.filter((one) => one.outcome === outcome).length,
    ]),
  )

test('every test of a real run is counted once, with the reason of a skip', (t) => {
  const results = run(t, {
    'one.test.mjs': `import test, { describe } from 'node:test'
      test('passes', () => {})
      test('has a part', async (t) => { await t.test('the part', () => {}) })
      test('is left out', { skip: 'no tool' }, () => {})
      describe('group', () => { test('in a group', () => {}) })`,
    'two.test.mjs': `import test from 'node:test'
      test('fails', () => { throw new Error('no') })`,
    'broken.test.mjs': `throw new Error('does not load')`,
    'empty.test.mjs': ``,
  })
  assert.deepEqual(count(results), { passed: 4, failed: 2, skipped: 1 })
  assert.equal(results.find(({ outcome }) => outcome === 'skipped').reason, 'no tool')
})

test('the lines of cargo test are counted', () => {
  const cargo = cargoResults()
  for (const line of [
    'running 3 tests',
    'test pool::grows ... ok',
    'test pool::shrinks ... FAILED',
    'test pool::huge ... ignored, needs 8 GiB',
    'test crates/pool/src/lib.rs - Pool (line 12) ... ok',
    'test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s',
  ])
    cargo.take(line)
  assert.deepEqual(count(cargo.results), { passed: 2, failed: 1, skipped: 1 })
  assert.equal(cargo.results[2].reason, 'needs 8 GiB')
})

const passed = { outcome: 'passed', name: 'a', file: 'x/a.test.ts', reason: null }
const skipped = { outcome: 'skipped', name: 'b', file: 'x/b.test.ts', reason: 'no tool' }

test('the last line has the totals, and a skip is named with its reason', () => {
  const { text, ok } = summary([{ title: 'unit', results: [passed, skipped] }], [], false)
  assert.equal(ok, true)
  assert.equal(text.split('\n').at(-1), '1 passed, 0 failed, 1 skipped')
  assert.match(text, /^skipped: b\.test\.ts: b \(no tool\)$/m)
})

test('no test, only skipped ones, a failed one and a failed step are each enough to fail', () => {
  const failed = { ...passed, outcome: 'failed' }
  const holds = (runs, troubles = [], skipsFail = false) => summary(runs, troubles, skipsFail).ok
  assert.equal(holds([{ title: 'unit', results: [passed] }]), true)
  assert.equal(holds([{ title: 'unit', results: [] }]), false)
  assert.equal(
    holds([
      { title: 'unit', results: [passed] },
      { title: 'scenarios', results: [skipped] },
    ]),
    false,
  )
  assert.equal(holds([{ title: 'unit', results: [passed, failed] }]), false)
  assert.equal(holds([{ title: 'unit', results: [passed] }], ['npm run check: exit code 1']), false)
  assert.equal(holds([{ title: 'unit', results: [passed, skipped] }], [], true), false)
})

test('npm test refuses an unknown set-up', () => {
  const script = fileURLToPath(new URL('./test.mjs', import.meta.url))
  const unknown = spawnSync(process.execPath, [script], {
    env: { ...process.env, TEST_SETUP: 'ful' },
    encoding: 'utf8',
  })
  assert.equal(unknown.status, 1)
  assert.match(unknown.stderr, /TEST_SETUP is "ful"/)
  assert.equal(unknown.stdout, '')
})

test('a check whose server is out of reach is named with the reason and fails nothing', () => {
  const runs = [{ title: 'unit tests', results: [{ outcome: 'passed', name: 'a', file: '', reason: null }] }]
  const { text, ok } = summary(runs, [], true, [{ title: 'advisories', reason: 'no network' }])
  assert.ok(ok)
  assert.match(text, /^skipped: advisories \(no network\)$/m)
})
