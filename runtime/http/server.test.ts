import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { createLog } from '../telemetry/log.ts'
import { createRegistry } from '../telemetry/metrics.ts'
import { HttpError } from './errors.ts'
import { hostNameOf, isAllowedHost, isAllowedOrigin } from './isAllowedHost.ts'
import { PortTaken, createHttpServer, listen } from './server.ts'

let ready = false
const registry = createRegistry('test')
const options = {
  process: 'test',
  host: '127.0.0.1',
  port: 0,
  registry,
  log: createLog('test', 'silent'),
  ready: () => ({ ready, detail: { shards: 12 } }),
  allowedHosts: ['Ops.example'],
  bodyBytesMax: 100,
}
const server = createHttpServer(options)
server.post('/json', (request) => ({ got: request.body }))
server.get('/things/:name', () => ({}))
server.post('/things/:name', () => ({}))
server.get('/refuse', () => {
  throw new HttpError(421, 'wrong_owner', 'ask there', {
    field: 'service',
    headers: { 'retry-after': '1' },
    more: { address: 'x' },
  })
})
server.get('/break', () => {
  throw new Error('the inside')
})
void server.register((scope, _options, done) => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, body)
  })
  scope.post('/raw', (request) => ({ bytes: (request.body as Buffer).length }))
  done()
})
const address = await listen(server, '127.0.0.1', 0)
after(() => server.close())

async function ask(path: string, init: RequestInit = {}): Promise<[number, unknown]> {
  const answer = await fetch(address + path, init)
  return [answer.status, await answer.json()]
}

/** Bytes as they are, since fetch sets Host by itself. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write(text))
    socket.on('data', (part) => (got += part.toString()))
    socket.on('close', () => {
      resolve(got)
    })
    socket.on('error', reject)
  })
}

const json = { method: 'POST', headers: { 'content-type': 'application/json' } }
/** None of the refusals here would be lifted by asking again, and each says so. */
const codeOf = ([status, body]: [number, unknown]): [number, string] => {
  const { code, retryable } = (body as { error: { code: string; retryable: unknown } }).error
  assert.equal(retryable, false)
  return [status, code]
}

test('health, readiness and metrics', async () => {
  assert.deepEqual(await ask('/healthz'), [200, { status: 'ok', process: 'test' }])
  assert.deepEqual(await ask('/readyz'), [503, { ready: false, process: 'test', shards: 12 }])
  ready = true
  assert.equal((await ask('/readyz'))[0], 200)
  const metrics = await fetch(`${address}/metrics`)
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/)
  assert.match(
    await metrics.text(),
    /devops_http_requests_total\{method="GET",route="\/readyz",status="503",process="test"\} 1/,
  )
})

test('every refusal is JSON with a code', async () => {
  assert.deepEqual(await ask('/refuse'), [
    421,
    { error: { code: 'wrong_owner', message: 'ask there', retryable: false, field: 'service', address: 'x' } },
  ])
  assert.equal((await fetch(`${address}/refuse`)).headers.get('retry-after'), '1')
  assert.deepEqual(codeOf(await ask('/nothing')), [404, 'not_found'])
  assert.deepEqual(codeOf(await ask('/%zz')), [400, 'invalid_url'])
  assert.deepEqual(codeOf(await ask('/json', { ...json, body: '{' })), [400, 'invalid_json'])
  assert.deepEqual(codeOf(await ask('/json', { ...json, body: '' })), [400, 'invalid_json'])
  assert.deepEqual(codeOf(await ask('/json', { ...json, body: '{"__proto__":{"a":1}}' })), [400, 'invalid_json'])
  assert.deepEqual(codeOf(await ask('/json', { method: 'POST', body: 'text' })), [415, 'unsupported_media_type'])
  assert.deepEqual(codeOf(await ask('/json', { ...json, body: JSON.stringify('x'.repeat(100)) })), [
    413,
    'body_too_large',
  ])
  assert.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*"invalid_http"/s)
})

test('what came through a proxy is refused on every route, unless the server lets it in', async () => {
  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
    const headers = { [name]: '127.0.0.1' }
    for (const path of ['/healthz', '/metrics', '/nothing']) {
      const answer = await ask(path, { headers })
      assert.deepEqual(codeOf(answer), [403, 'forbidden'], name)
      assert.match(JSON.stringify(answer[1]), /came through a proxy.*directly/)
    }
    const open = createHttpServer({ ...options, registry: createRegistry('open'), proxied: true })
    assert.equal((await open.inject({ url: '/healthz', headers })).statusCode, 200)
  }
})

test('a method that a path does not take is told which it takes', async () => {
  const table = [
    ['/json', 'GET', 'POST'],
    ['/healthz?x=1', 'POST', 'GET, HEAD'],
    ['/things/a', 'DELETE', 'GET, HEAD, POST'],
  ] as const
  for (const [path, method, allow] of table) {
    const answer = await fetch(address + path, { method })
    assert.equal(answer.headers.get('allow'), allow, path)
    assert.deepEqual(codeOf([answer.status, await answer.json()]), [405, 'method_not_allowed'])
  }
  for (const path of ['/things/', '/things/a/b', '/things']) {
    assert.deepEqual(codeOf(await ask(path, { method: 'DELETE' })), [404, 'not_found'], path)
  }
})

test('what breaks inside stays inside', async () => {
  const [status, body] = await ask('/break')
  assert.equal(status, 500)
  assert.ok(!JSON.stringify(body).includes('the inside'))
})

test('a scope may take raw bytes', async () => {
  assert.deepEqual(await ask('/raw', { method: 'POST', body: new Uint8Array(50) }), [200, { bytes: 50 }])
})

test('another Host or Origin is refused before anything else', async () => {
  const get = (host: string): Promise<string> =>
    raw(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  assert.match(await get('evil.example'), /^HTTP\/1\.1 403 .*host_not_allowed/s)
  assert.match(await get('ops.example:8080'), /^HTTP\/1\.1 200 /)
  assert.match(await raw('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /)
  const from = (origin: string): Promise<[number, unknown]> => ask('/healthz', { headers: { origin } })
  assert.deepEqual(codeOf(await from('https://evil.example')), [403, 'origin_not_allowed'])
  assert.deepEqual(codeOf(await from('null')), [403, 'origin_not_allowed'])
  assert.equal((await from('http://localhost:3000'))[0], 200)
})

test('a request that names two hosts is refused, since what stands before us may go by the other one', async () => {
  const ask = (line: string, ...hosts: string[]): Promise<string> =>
    raw(`GET ${line} HTTP/1.1\r\n${hosts.map((host) => `${host}\r\n`).join('')}Connection: close\r\n\r\n`)
  const cases: [string, string[], RegExp][] = [
    ['/healthz', ['Host: localhost'], /^HTTP\/1\.1 200 /],
    ['/healthz', ['Host: localhost', 'Host: evil.example'], /^HTTP\/1\.1 400 .*host_ambiguous/s],
    ['/healthz', ['Host: localhost', 'hOST: localhost'], /^HTTP\/1\.1 400 .*host_ambiguous/s],
    ['http://evil.example/healthz', ['Host: localhost'], /^HTTP\/1\.1 400 .*host_ambiguous/s],
    ['http://LOCALHOST/healthz', ['Host: localhost'], /^HTTP\/1\.1 (200|404) /],
  ]
  for (const [line, hosts, wanted] of cases) assert.match(await ask(line, ...hosts), wanted, `${line} ${hosts.join()}`)
})

test('a process holds a bounded number of connections', () => {
  assert.equal(server.server.maxConnections, 1_024)
})

test('hosts: names and addresses', () => {
  const allowed = new Set(['ops.example'])
  const cases: [string | undefined, string, boolean][] = [
    ['localhost', '127.0.0.1', true],
    ['LOCALHOST:8080', '127.0.0.1', true],
    ['[::1]:80', '::1', true],
    ['ops.example', '10.0.0.5', true],
    ['ops.example.evil', '10.0.0.5', false],
    // The address the connection came in at; not any address.
    ['10.0.0.5:8081', '10.0.0.5', true],
    ['10.0.0.5', '::ffff:10.0.0.5', true],
    ['10.0.0.6', '10.0.0.5', false],
    ['user@localhost', '127.0.0.1', false],
    ['localhost:80:80', '127.0.0.1', false],
    ['', '127.0.0.1', false],
    [undefined, '127.0.0.1', false],
  ]
  for (const [host, local, wanted] of cases) assert.equal(isAllowedHost(host, allowed, local), wanted, host)
  assert.equal(hostNameOf('[::1]:80'), '::1')
  assert.equal(isAllowedOrigin('file://localhost', allowed, '127.0.0.1'), false)
  assert.equal(isAllowedOrigin('https://ops.example', allowed, '127.0.0.1'), true)
})

test('a taken port is named', async () => {
  const second = createHttpServer({ ...options, registry: createRegistry('second') })
  const { port } = new URL(address)
  await assert.rejects(listen(second, '127.0.0.1', Number(port)), (error) => {
    assert.ok(error instanceof PortTaken)
    assert.match(error.message, new RegExp(`port ${port} .* taken`))
    return true
  })
  await second.close()
})
