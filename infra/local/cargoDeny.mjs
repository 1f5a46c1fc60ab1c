import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { onPath } from './machine.mjs'
import { step } from './step.mjs'

const version = '0.20.2'
const installLimitMs = 15 * 60_000
const checkLimitMs = 5 * 60_000

/** Licences, sources and bans of all crates, by cargo-deny, which is built first where the machine lacks it. */
export async function checkCrates(repository, { say, signal }) {
  const installed = onPath('cargo-deny') || existsSync(join(homedir(), '.cargo', 'bin', 'cargo-deny'))
  if (!installed) {
    const title = 'building cargo-deny'
    const args = ['install', 'cargo-deny', '--locked', '--version', version]
    await step(title, (onLine) => runCommand(title, 'cargo', args, { limitMs: installLimitMs, onLine, signal }), say)
  }
  const title = 'licences and sources of the crates'
  await step(
    title,
    (onLine) =>
      runCommand(title, 'npm', ['run', '-s', 'check:crates'], {
        cwd: repository,
        limitMs: checkLimitMs,
        onLine,
        signal,
      }),
    say,
  )
}
