import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { step } from './step.mjs'

const installLimitMs = 15 * 60_000
const buildLimitMs = 30 * 60_000

/** Installs the npm packages unless they are there and as new as package-lock.json. */
export async function installPackages(repository, { signal, say } = {}) {
  // npm writes this file last, so that an interrupted installation is repeated.
  const installedAt = modifiedAt(join(repository, 'node_modules', '.package-lock.json'))
  if (installedAt !== null && installedAt >= (modifiedAt(join(repository, 'package-lock.json')) ?? 0)) return
  await step(
    'installing the npm packages',
    (note) =>
      runCommand('installing the npm packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: repository,
        limitMs: installLimitMs,
        onLine: note,
        signal,
      }),
    say,
  )
}

/** Builds the memory engine unless its addon is newer than every Rust source. */
export async function buildEngine(repository, { signal, say } = {}) {
  const crates = join(repository, 'rust-engine')
  const addonAt = Math.max(...files(crates, /\.node$/).map(modifiedAt), -1)
  const sourcesAt = Math.max(...files(crates, /\.(rs|toml|lock)$/).map(modifiedAt))
  if (addonAt > sourcesAt) return
  await step(
    'building the memory engine',
    (note) =>
      runCommand('building the memory engine', 'npm', ['run', '-s', 'build:engine'], {
        cwd: repository,
        limitMs: buildLimitMs,
        onLine: note,
        signal,
      }),
    say,
  )
  // When nothing was left to compile the addon keeps its old time, and would be built again at each start.
  const now = new Date()
  for (const addon of files(crates, /\.node$/)) utimesSync(addon, now, now)
}

function files(folder, pattern) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory())
      return ['target', 'node_modules'].includes(entry.name) ? [] : files(join(folder, entry.name), pattern)
    return pattern.test(entry.name) ? [join(folder, entry.name)] : []
  })
}

const modifiedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null
