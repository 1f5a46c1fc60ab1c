/**
 * `npm start` and the README's tour, as a new user would: start, every command of the tour as written (other ports), a
 * process that is killed and comes back, Ctrl-C, and a second start that finds its state.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { newInstallation, olderNode, startAll, type Installation } from '../harness/npmStart.ts'
import { eventually } from '../harness/system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

/** The commands of the README's tour: every line of its ```sh blocks below "A tour". */
async function tourCommands(): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const tour = readme.slice(readme.indexOf('## A tour'))
  const blocks = [...tour.slice(0, tour.indexOf('\n## ', 5)).matchAll(/```sh\n([\s\S]*?)```/g)].map((m) => m[1] ?? '')
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

async function runTour({ ports, env }: Installation): Promise<void> {
  const mapped: Readonly<Record<string, number>> = {
    8080: ports.gateway,
    8081: ports.consumer,
    8082: ports.trainer,
    8085: ports.adapter,
  }
  const commands = await tourCommands()
  assert.ok(commands.length >= 4, 'the tour has commands')
  for (const command of commands) {
    if (command.startsWith('npm start')) continue
    const here = command.replace(
      /127\.0\.0\.1:(80\d\d)/g,
      (_, port: string) => `127.0.0.1:${String(mapped[port] ?? port)}`,
    )
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], {
      cwd: root,
      env: { ...process.env, ...env },
    })
    assert.ok(!stdout.includes('"error"'), `${here}\n${stdout}`)
  }
}

/** Process id of one that a start keeps running, from its lock file. */
async function pidOf(name: string, state: string): Promise<number> {
  const lock = JSON.parse(await readFile(join(state, 'start.lock'), 'utf8')) as {
    servers: { name: string; pid: number }[]
  }
  const server = lock.servers.find((one) => one.name === name)
  assert.ok(server, `${name} is in the lock file`)
  return server.pid
}

test('start, tour, kill one, stop, start again', async (t) => {
  const installation = await newInstallation(t)
  const { state, ports } = installation
  const older = olderNode()
  t.diagnostic(older === null ? 'no Node before 24 on PATH: the start itself ran on ours' : `start on ${older.version}`)

  const first = await startAll(t, installation, older === null ? {} : { node: older.path })
  assert.match(first.output(), /^ {2}topics: \d+ created/m, 'what is said of the topics stays on the terminal')
  await runTour(installation)
  const list = async () => {
    const answer = await fetch(`http://127.0.0.1:${String(ports.consumer)}/v1/query/list_deployments`, {
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

  const killed = await pidOf('gateway', state)
  process.kill(killed, 'SIGKILL')
  await eventually(
    'the killed gateway is reported and ready again',
    () => Promise.resolve(/^! gateway is ready again \(process \d+\)$/m.test(first.output()) ? true : null),
    60_000,
  )
  assert.match(first.output(), /^! gateway was ended by SIGKILL$/m)
  assert.notEqual(await pidOf('gateway', state), killed)
  await first.interrupt()

  const began = Date.now()
  const second = await startAll(t, installation)
  t.diagnostic(`the second start took ${((Date.now() - began) / 1000).toFixed(1)} s`)
  assert.deepEqual(await eventually('state is back', async () => (await list()).items ?? null), before)
  await second.interrupt()
})
