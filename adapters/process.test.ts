/** The adapter as it is started: as a server process and as a command. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { deployment, startPeer, type Peer } from './queries/consumerPeer.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const COMMAND = fileURLToPath(new URL('cli/devops-mcp-server.mjs', import.meta.url))
const SERVICE = 'production/checkout'

let peer: Peer
before(async () => {
  peer = await startPeer('one', { deployments: [deployment(SERVICE, Date.parse('2026-01-01'))], incidents: [] })
})
after(() => peer.close())

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  DEVOPS_CONSUMER_SEEDS: peer.address,
  DEVOPS_SERVER_NAME: 'shop-memory',
  ...more,
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function ready(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answered = await fetch(`${url}/readyz`)
      .then((response) => response.ok)
      .catch(() => false)
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the adapter did not become ready')
}

interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function finished(child: ChildProcess): Promise<Finished> {
  const text = { out: '', err: '' }
  child.stdout?.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...text }
}

const command = (...args: string[]): Promise<Finished> =>
  finished(spawn(process.execPath, [COMMAND, ...args], { env: environment() }))

describe('the server process', () => {
  let child: ChildProcess
  let url: string
  before(async () => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    child = spawn(process.execPath, [MAIN], {
      env: environment({ DEVOPS_SERVER_PORT: String(port) }),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await ready(url)
  })
  after(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  test('MCP is served at /mcp to both eras, under the configured name', async () => {
    for (const mode of ['legacy', 'auto'] as const) {
      const mcp = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      await mcp.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)))
      assert.equal(mcp.getServerVersion()?.name, 'shop-memory')
      const result = await mcp.callTool({ name: 'get_service', arguments: { service: SERVICE } })
      assert.equal((result.structuredContent as { service: string }).service, SERVICE)
      await mcp.close()
    }
  })

  test('a foreign Host or Origin is refused on every route', async () => {
    const status = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(`${url}${path}`, { method: 'GET', headers }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    for (const path of ['/mcp', '/api/v1/query/get_health', '/metrics']) {
      assert.equal(await status(path, { host: 'evil.example.com' }), 403, path)
      assert.equal(await status(path, { origin: 'http://evil.example.com' }), 403, path)
    }
    assert.equal(await status('/api/v1/query/get_health', { origin: 'http://localhost:3000' }), 200)
    for (const path of ['/mcp', '/api/v1/query/get_health']) {
      assert.equal(await status(path, { 'x-forwarded-for': '203.0.113.9' }), 403, path)
    }
  })

  test('queries answer over HTTP, by GET and POST, with named errors', async () => {
    const get = await fetch(`${url}/api/v1/query/list_deployments?limit=1&service=${encodeURIComponent(SERVICE)}`)
    assert.equal(((await get.json()) as { items: unknown[] }).items.length, 1)
    const matchers = encodeURIComponent(JSON.stringify([{ name: 'job', op: '=', value: 'x' }]))
    const span = 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z'
    assert.equal((await fetch(`${url}/api/v1/query/query_metrics?metric=up&${span}&matchers=${matchers}`)).status, 200)
    const post = (name: string, body: string, type = 'application/json') =>
      fetch(`${url}/api/v1/query/${name}`, { method: 'POST', headers: { 'content-type': type }, body })
    const predicted = await post('predict_deployment', JSON.stringify({ service: SERVICE }))
    assert.equal(((await predicted.json()) as { answerClass: string }).answerClass, 'not_enough_evidence')

    const refusals = [
      [fetch(`${url}/api/v1/query/predict_deployment?service=x`), 405, 'post_only'],
      [fetch(`${url}/api/v1/query/drop_everything`), 404, 'no_such_query'],
      [fetch(`${url}/api/v1/query/list_deployments?limit=many`), 400, 'invalid_input'],
      [fetch(`${url}/api/v1/query/get_service?service=production/unknown`), 404, 'not_found'],
      [post('get_health', '{'), 400, 'invalid_json'],
      [post('get_health', 'a=b', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type'],
    ] as const
    for (const [answered, status, code] of refusals) {
      const response = await answered
      assert.equal(response.status, status, code)
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, code)
    }
  })

  test('check asks it and ends with the code of the answer', async () => {
    const args = ['--service', SERVICE, '--url', url, '--fail-above', '0.3', '--no-git']
    const { code, out } = await command('check', ...args)
    assert.equal(code, 0)
    assert.match(out, /^Passed without a judgement: .*\(the guess is 9\.0 %\)/)
    assert.equal((await command('check', ...args, '--on-no-evidence', 'fail')).code, 1)
    assert.equal(peer.asked.findLast(({ name }) => name === 'predict_deployment')?.input['service'], SERVICE)
  })

  test('a body over the limit is refused', async () => {
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ fill: 'x'.repeat(300_000) }),
    })
    assert.equal(response.status, 413)
  })

  test('calls are counted by tool and result', async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    assert.match(metrics, /devops_adapter_calls_total\{.*door="mcp",tool="get_service",result="ok".*\} 2/)
    assert.match(metrics, /devops_adapter_calls_total\{.*door="http",tool="get_service",result="not_found".*\} 1/)
    assert.match(metrics, /devops_adapter_call_duration_seconds_bucket\{/)
  })

  test('SIGTERM ends it with 0', async () => {
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    assert.equal(code, 0)
  })
})

describe('the command', () => {
  test('mcp speaks the protocol over stdio in both eras, and nothing else', async () => {
    for (const mode of ['legacy', 'auto'] as const) {
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [COMMAND, 'mcp'],
        env: environment(),
        stderr: 'ignore',
      })
      const errors: Error[] = []
      const mcp = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      mcp.onerror = (error) => errors.push(error)
      await mcp.connect(transport)
      assert.equal((await mcp.listTools()).tools.length, 13)
      const result = await mcp.callTool({ name: 'predict_deployment', arguments: { service: SERVICE } })
      assert.equal((result.structuredContent as { predictionId: string }).predictionId, 'p-1')
      await mcp.close()
      assert.deepEqual(errors, [])
    }
  })

  test('mcp writes only protocol messages to standard output, and ends with its input', async () => {
    const child = spawn(process.execPath, [COMMAND, 'mcp'], { env: environment({ DEVOPS_LOG_LEVEL: 'trace' }) })
    const done = finished(child)
    const send = (message: object): boolean => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    const clientInfo = { name: 't', version: '1' }
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } })
    send({ method: 'notifications/initialized' })
    send({ id: 2, method: 'tools/call', params: { name: 'get_health', arguments: {} } })
    let out = ''
    for await (const chunk of child.stdout) {
      out += String(chunk)
      if (out.includes('"id":2')) break
    }
    child.stdin.end()
    const { code, err } = await done
    assert.equal(code, 0)
    for (const line of out.trim().split('\n')) assert.equal((JSON.parse(line) as { jsonrpc: string }).jsonrpc, '2.0')
    assert.match(err, /membership_learnt/)
  })

  test('query prints the answer; what is wrong goes to standard error with code 1', async () => {
    const { code, out } = await command('query', 'get_service', JSON.stringify({ service: SERVICE }))
    assert.equal(code, 0)
    assert.equal((JSON.parse(out) as { service: string }).service, SERVICE)
    const wrong = await command('query', 'list_deployments', '{"limit":0}')
    assert.equal(wrong.code, 1)
    assert.equal(wrong.out, '')
    assert.match(wrong.err, /^invalid_input: limit: /)
  })

  test('version and --help', async () => {
    const { out } = await command('version')
    assert.match(out, /^\d+\.\d+\.\d+\n$/)
    assert.match((await command('--help')).out, /mcp .*\n.*query/s)
  })
})
