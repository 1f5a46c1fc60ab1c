/**
 * `npm pack` gives a package whose processes run from node_modules, where Node strips no types, with the package's own
 * dependencies alone: each comes up to its /readyz beside a real broker and registry, and an event goes all the way.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { startKafka } from '../harness/kafka.ts'
import { eventually, freePort, RunningProcess } from '../harness/system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Packs, and unpacks below a node_modules that holds the package's dependencies. Gives the package's folder. */
function installed(folder: string): string {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString(),
  ) as unknown
  const first = (Array.isArray(packed) ? packed[0] : Object.values(packed as object)[0]) as {
    filename: string
    files: { path: string }[]
  }
  assert.ok(first.files.every((f) => !/\.test\.|(^|\/)integration-tests\//.test(f.path)))

  const modules = join(folder, 'node_modules')
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  execFileSync('tar', ['-xzf', join(folder, first.filename), '-C', modules])
  execFileSync('mv', [join(modules, 'package'), join(modules, 'devops-mcp-server')])
  return join(modules, 'devops-mcp-server')
}

function spawnPacked(t: TestContext, main: string, cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', main], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

test('a packed package runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'devops-pack-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const home = installed(folder)
  const version = execFileSync(process.execPath, [join(home, 'adapters/cli/devops-mcp-server.mjs'), 'version'])
  assert.match(version.toString(), /\d+\.\d+\.\d+/)

  const bus = await startKafka({ broker: true, registry: true })
  t.after(() => bus.stop())
  const ports = {
    gateway: await freePort(),
    consumer: await freePort(),
    trainer: await freePort(),
    adapter: await freePort(),
  }
  const env = {
    KAFKA_BROKERS: bus.brokers,
    SCHEMA_REGISTRY_URL: bus.registryUrl,
    DEVOPS_STATE_FOLDER: join(folder, 'state'),
    DEVOPS_GATEWAY_PORT: String(ports.gateway),
    DEVOPS_CONSUMER_PORT: String(ports.consumer),
    DEVOPS_TRAINER_PORT: String(ports.trainer),
    DEVOPS_SERVER_PORT: String(ports.adapter),
  }
  const packedMain = (path: string): string => join(home, 'dist', path)
  const admin = spawnPacked(t, packedMain('infra/kafka/main.js'), folder, env)
  assert.equal(await new Promise((resolve) => admin.once('close', resolve)), 0)

  const mains = {
    gateway: 'producers/main.js',
    consumer: 'consumers/main.js',
    trainer: 'consumers/trainer/main.js',
    adapter: 'adapters/main.js',
  }
  const running = Object.entries(mains).map(([name, main]) => {
    const logFile = join(folder, `${name}.log`)
    const log = createWriteStream(logFile)
    const child = spawnPacked(t, packedMain(main), folder, env)
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    const url = `http://127.0.0.1:${String(ports[name as keyof typeof ports])}`
    return new RunningProcess(`the packed ${name}`, url, child, logFile)
  })
  await Promise.all(running.map((process) => process.ready()))

  // Through the contracts (.avsc) in the gateway and the addon in the consumer.
  const post = (url: string, body: object): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const event = { type: 'deployment', service: 'production/packed', key: 'packed-1', phase: 'started' }
  assert.equal((await post(`http://127.0.0.1:${String(ports.gateway)}/v1/events`, event)).status, 202)
  await eventually('the event is seen through the packed adapter', async () => {
    const url = `http://127.0.0.1:${String(ports.adapter)}/api/v1/query/list_deployments`
    const { items } = (await (await post(url, { service: 'production/packed' })).json()) as { items: object[] }
    return items.length === 1 ? true : null
  })
  for (const process of running.toReversed()) assert.equal(await process.stop(), 0, `${process.name} stops well`)
})
