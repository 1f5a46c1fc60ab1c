/**
 * Promise: the adapter passes the MCP conformance scenarios that apply to any server. The suite is the protocol's own;
 * behind the adapter stands a query API with given contents.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { deployment, incident, startPeer, type Peer } from '../../adapters/queries/consumerPeer.ts'
import { eventually, freePort } from '../harness/system.ts'

const ADAPTER = fileURLToPath(new URL('../../adapters/main.ts', import.meta.url))
const SUITE = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js')

/** The others want tools, resources and prompts of fixed names, or features that are deprecated. */
const SCENARIOS = [
  'server-initialize',
  'ping',
  'tools-list',
  'resources-list',
  'prompts-list',
  'completion-complete',
  'dns-rebinding-protection',
]

let peer: Peer
let adapter: ChildProcess
let folder: string
let url: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-conformance-'))
  const at = Date.parse('2026-01-01T00:00:00Z')
  peer = await startPeer('one', {
    deployments: [deployment('production/checkout', at)],
    incidents: [incident('production/checkout', at)],
  })
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  adapter = spawn(process.execPath, [ADAPTER], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DEVOPS_CONSUMER_SEEDS: peer.address, DEVOPS_SERVER_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await eventually('the adapter is ready', async () => ((await fetch(`${url}/readyz`)).ok ? true : null))
})

after(async () => {
  adapter.kill('SIGTERM')
  if (adapter.exitCode === null) await once(adapter, 'exit')
  await peer.close()
  await rm(folder, { recursive: true })
})

for (const scenario of SCENARIOS) {
  test(`conformance: ${scenario}`, { timeout: 60_000 }, async () => {
    const { code, output } = await run(scenario)
    assert.equal(code, 0, output)
    // A suite that checked nothing ends with 0 as well.
    const passed = /Passed: (\d+)\/(\d+), (\d+) failed/.exec(output)
    assert.ok(passed !== null && Number(passed[1]) > 0 && passed[3] === '0', output)
  })
}

async function run(scenario: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [SUITE, 'server', '--url', `${url}/mcp`, '--scenario', scenario], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
