/**
 * `npm run test:unit`: the unit and property tests of the TypeScript parts, as many files at once as there are cores. By itself node:test
 * leaves one core out, which is half of two.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

const FILES = [
  'tidy.test.ts',
  'layers.test.ts',
  'schemas/**/*.test.ts',
  'runtime/**/*.test.ts',
  'producers/**/*.test.ts',
  'consumers/**/*.test.ts',
  'rust-engine/ts/**/*.test.ts',
  'adapters/**/*.test.ts',
  'evaluate/**/*.test.ts',
  'infra/**/*.test.{ts,mjs}',
  'integration-tests/benches/**/*.test.ts',
]
const options = [
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--disable-warning=TimeoutNegativeWarning',
  ...process.argv.slice(2),
]
const tests = spawn(process.execPath, [...options, ...FILES], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => tests.kill(signal))
tests.once('exit', (code) => {
  process.exitCode = code ?? 1
})
