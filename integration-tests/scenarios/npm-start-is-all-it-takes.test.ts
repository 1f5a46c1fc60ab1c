/**
 * `npm start` and the README's tour, as a new user would: start, every command of the tour as written (other ports), an
 * MCP client, Ctrl-C, and a second start that finds its state.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { eventually, freePort } from '../harness/system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
}

async function start(state: string, ports: Readonly<Record<string, string>>): Promise<Started> {
  let output = ''
  const child = spawn(process.execPath, ['infra/local/start.mjs', '--state', state], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await eventually(
    'npm start says where to look',
    () => {
      assert.equal(child.exitCode, null, output)
      return Promise.resolve(/\/mcp\b/.test(output) && output.includes('curl') ? true : null)
    },
    180_000,
  )
  return { child, output: () => output }
}

async function interrupt(started: Started): Promise<void> {
  const exited = new Promise<number | null>((done) => started.child.once('exit', done))
  started.child.kill('SIGINT')
  assert.equal(await exited, 0, started.output())
}

/** The commands of the README's tour: every line of its ```sh blocks below "A tour". */
async function tourCommands(): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const tour = readme.slice(readme.indexOf('## A tour'))
  const blocks = [...tour.slice(0, tour.indexOf('\n## ', 5)).matchAll(/```sh\n([\s\S]*?)```/g)].map((m) => m[1] ?? '')
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

test('start, tour, stop, start again', async (t) => {
  const state = await mkdtemp(join(tmpdir(), 'devops-start-'))
  t.after(async () => rm(state, { recursive: true, force: true }))
  const numbers = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const ports = {
    DEVOPS_GATEWAY_PORT: String(numbers[0]),
    DEVOPS_CONSUMER_PORT: String(numbers[1]),
    DEVOPS_CONSUMER_SEEDS: `http://127.0.0.1:${String(numbers[1])}`,
    DEVOPS_TRAINER_PORT: String(numbers[2]),
    DEVOPS_SERVER_PORT: String(numbers[3]),
  }
  const mapped: Readonly<Record<string, string>> = {
    8080: String(numbers[0]),
    8081: String(numbers[1]),
    8082: String(numbers[2]),
    8085: String(numbers[3]),
  }

  const first = await start(state, ports)
  t.after(() => first.child.kill('SIGKILL'))
  const commands = await tourCommands()
  assert.ok(commands.length >= 4, 'the tour has commands')
  for (const command of commands) {
    if (command.startsWith('npm start')) continue
    const here = command.replace(/127\.0\.0\.1:(80\d\d)/g, (_, port: string) => `127.0.0.1:${mapped[port] ?? port}`)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], {
      cwd: root,
      env: { ...process.env, ...ports },
    })
    assert.ok(!stdout.includes('"error"'), `${here}\n${stdout}`)
  }
  const list = async () => {
    const answer = await fetch(`http://127.0.0.1:${String(numbers[1])}/v1/query/list_deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    return (await answer.json()) as { items?: { key: string; state: string }[] }
  }
  const before = await eventually('the event of the tour is visible', async () => {
    const page = await list()
    return (page.items?.length ?? 0) > 0 ? page.items : null
  })
  await interrupt(first)

  const second = await start(state, ports)
  t.after(() => second.child.kill('SIGKILL'))
  assert.deepEqual(await eventually('state is back', async () => (await list()).items ?? null), before)
  await interrupt(second)
})
