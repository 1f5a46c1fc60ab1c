import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const answerLimitMs = 20_000

/** Null, or why no nightly Rust with miri can be used here. `run` gives a command's output, and throws where it fails. */
export async function whyNoMiri(run = output) {
  const remedy = 'rustup toolchain install nightly --component miri --component rust-src'
  return (await whyNoNightly(remedy, run)) ?? (await whyNoTool('miri', remedy, run)) ?? (await whyNoSource(remedy, run))
}

/** Null, or why cargo-fuzz can't be used here. */
export async function whyNoFuzz(run = output) {
  return (
    (await whyNoNightly('rustup toolchain install nightly', run)) ??
    (await whyNoTool('fuzz', 'cargo install cargo-fuzz --locked', run))
  )
}

const whyNoNightly = async (remedy, run) =>
  (await answers('rustc', ['+nightly', '--version'], run)) ? null : `there is no nightly Rust (${remedy})`

const whyNoTool = async (tool, remedy, run) =>
  (await answers('cargo', ['+nightly', tool, '--version'], run)) ? null : `there is no cargo-${tool} (${remedy})`

/** Miri builds the standard library itself. */
async function whyNoSource(remedy, run) {
  const sysroot = (await run('rustc', ['+nightly', '--print', 'sysroot'])).trim()
  const source = join(sysroot, 'lib', 'rustlib', 'src', 'rust', 'library')
  return existsSync(source) ? null : `the nightly Rust has no rust-src (${remedy})`
}

async function answers(command, args, run) {
  try {
    await run(command, args)
    return true
  } catch {
    return false
  }
}

async function output(command, args) {
  // Asking must not install.
  const env = { ...process.env, RUSTUP_AUTO_INSTALL: '0' }
  const { stdout } = await execute(command, args, { env, timeout: answerLimitMs })
  return stdout
}
