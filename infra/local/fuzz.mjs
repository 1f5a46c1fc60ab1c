/**
 * `npm run fuzz [-- TARGET [SECONDS]]`: a target of rust-engine/fuzz under libFuzzer, or all of them one after the other; 60
 * seconds each unless told. What breaks one is kept as a file in rust-engine/fuzz/regressions, with which `cargo test` begins.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { whyNoFuzz } from './nightly.mjs'
import { step } from './step.mjs'

const secondsByDefault = 60
const inputBytesMax = 4_096
const buildLimitMs = 20 * 60_000

/** The targets and seconds that are asked for; throws a sentence that says what may be. */
export function asked(words, targets) {
  const [target, seconds = String(secondsByDefault), ...others] = words
  const usage = `npm run fuzz [-- TARGET [SECONDS]], where the targets are ${targets.join(', ')}`
  if (others.length > 0) throw new Error(`${others.join(' ')}: too much is asked for; ${usage}`)
  if (target !== undefined && !targets.includes(target)) throw new Error(`${target} is no target; ${usage}`)
  if (!/^[1-9]\d{0,5}$/.test(seconds)) throw new Error(`${seconds} is no number of seconds; ${usage}`)
  return { targets: target === undefined ? targets : [target], seconds: Number(seconds) }
}

/** Every target that is asked for; throws the first that breaks, after all have run. */
async function fuzz(repository, words, { say, signal }) {
  const folder = join(repository, 'rust-engine', 'fuzz')
  const names = readdirSync(join(folder, 'fuzz_targets')).map((file) => file.replace(/\.rs$/, ''))
  const { targets, seconds } = asked(words, names.sort())
  const reason = await whyNoFuzz()
  if (reason !== null) throw new Error(`no target can be fuzzed here: ${reason}`)
  const failures = []
  for (const target of targets) {
    try {
      await step(target, (note) => run(folder, target, seconds, { note, signal }), say)
    } catch (error) {
      signal.throwIfAborted()
      say(error.message)
      failures.push(target)
    }
  }
  if (failures.length > 0) throw new Error(`broken: ${failures.join(', ')} (kept in rust-engine/fuzz/regressions)`)
}

async function run(folder, target, seconds, { note, signal }) {
  const cwd = join(folder, '..')
  // What libFuzzer finds on its way is of use to its next run only.
  const found = join(cwd, 'target', 'fuzz-corpus', target)
  const [kept, regressions] = ['corpus', 'regressions'].map((of) => join(folder, of, target))
  const seeds = ['run', '--release', '--locked', '--quiet', '-p', 'fuzz', '--bin', 'seeds', '--', target, found]
  await runCommand('writing the seeds', 'cargo', seeds, { cwd, limitMs: buildLimitMs, onLine: note, signal })
  const crate = ['--fuzz-dir', 'fuzz', '--features', 'libfuzzer', target]
  mkdirSync(regressions, { recursive: true })
  const inputs = [found, kept, regressions].filter((inputs) => existsSync(inputs))
  const options = [
    `-max_total_time=${seconds}`,
    `-max_len=${inputBytesMax}`,
    `-dict=${found}.dict`,
    `-artifact_prefix=${regressions}/`,
  ]
  const args = ['+nightly', 'fuzz', 'run', ...crate, ...inputs, '--', ...options]
  const limitMs = buildLimitMs + seconds * 1_000
  try {
    await runCommand(target, 'cargo', args, { cwd, limitMs, onLine: note, signal })
  } finally {
    if (readdirSync(regressions).length === 0) rmdirSync(regressions)
  }
}

if (import.meta.main) {
  const repository = join(import.meta.dirname, '..', '..')
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => interrupt.abort())
  const say = (line) => process.stdout.write(`${line}\n`)
  try {
    await fuzz(repository, process.argv.slice(2), { say, signal: interrupt.signal })
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
