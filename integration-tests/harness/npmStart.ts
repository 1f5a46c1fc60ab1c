/** `npm start` as a child process, on ports of its own, and what it says. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { eventually, freePort } from './system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Installation {
  readonly state: string
  readonly ports: Readonly<Record<'gateway' | 'consumer' | 'trainer' | 'adapter', number>>
  readonly env: Readonly<Record<string, string>>
}

export interface Started {
  readonly output: () => string
  /** Ctrl-C; it must end well. */
  interrupt(): Promise<void>
}

/** A state folder, removed after the test, and four free ports. */
export async function newInstallation(t: TestContext): Promise<Installation> {
  const state = await mkdtemp(join(tmpdir(), 'devops-start-'))
  t.after(async () => rm(state, { recursive: true, force: true }))
  const [gateway, consumer, trainer, adapter] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const env = {
    DEVOPS_GATEWAY_PORT: String(gateway),
    DEVOPS_CONSUMER_PORT: String(consumer),
    DEVOPS_TRAINER_PORT: String(trainer),
    DEVOPS_SERVER_PORT: String(adapter),
  }
  return { state, ports: { gateway, consumer, trainer, adapter }, env }
}

/** Resolves when it has said where to look. `node`: which Node runs the start itself. */
export async function startAll(
  t: TestContext,
  { state, env }: Installation,
  { args = [], node = process.execPath }: { args?: readonly string[]; node?: string } = {},
): Promise<Started> {
  let output = ''
  const child: ChildProcess = spawn(node, ['infra/local/start.mjs', '--state', state, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const ended = (): boolean => child.exitCode !== null
  try {
    const welcome = (): Promise<true | null> =>
      Promise.resolve(/\/mcp\b/.test(output) && output.includes('curl') ? true : null)
    await eventually('npm start says where to look', welcome, 180_000, ended)
  } catch (error) {
    throw new Error(`npm start (exit code ${String(child.exitCode)}) said:\n${output}`, { cause: error })
  }
  return {
    output: () => output,
    async interrupt() {
      const exited = new Promise<number | null>((done) => child.once('exit', done))
      child.kill('SIGINT')
      assert.equal(await exited, 0, output)
    },
  }
}

/** A Node on the machine's own PATH that is older than ours and still able to run the start; null: there is none. */
export function olderNode(): { path: string; version: string } | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node')
    if (folder === '' || folder.includes('node_modules') || !isExecutable(path)) continue
    const version = execFileSync(path, ['--version']).toString().trim()
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
    if (major < 24 && (major > 20 || (major === 20 && minor >= 3))) return { path, version }
  }
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
