import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { KafkaUnavailable, RecordTooLarge } from '../runtime/kafka/errors.ts'
import { partitionOf } from '../schemas/topics.ts'
import type { DeploymentEvent, IncidentEvent, MetricBatch } from '../schemas/generated/events.ts'
import { gatewayUnderTest, signed, type ErrorAnswer, type GatewayUnderTest } from './gatewayUnderTest.ts'
import { NOW } from './sources/mappingUnderTest.ts'
import { compressed, messageOf, WRITE_HEADERS } from './writeRequestUnderTest.ts'

const EVENTS = '/v1/events'
const started = JSON.stringify({ type: 'deployment', service: 'production/shop', key: '1', phase: 'started' })
const examples = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as readonly { name: string; examples: readonly object[] }[]
const exampleOf = (kind: string): string =>
  JSON.stringify(examples.find(({ name }) => name === kind)?.examples[0] ?? assert.fail(kind))

describe('remote write', () => {
  test('samples far ahead of the clock are refused by name, the others of the request are kept', async () => {
    const { post, log } = await gatewayUnderTest()
    const [past, future] = [0, 11 * 60_000].map((aheadMs) => ({
      labels: [{ name: '__name__', value: `m${aheadMs}` }],
      samples: [{ value: 1, timestamp: NOW + aheadMs }],
    }))
    const answer = await post('/api/v1/write', compressed(messageOf(past ?? {}, future ?? {})), WRITE_HEADERS)
    assert.equal(answer.statusCode, 400)
    assert.match(
      answer.json<ErrorAnswer>().error.message,
      /timestamp: 1 samples .* left out; the other 1 were accepted/u,
    )
    assert.deepEqual(
      log.read('devops.metrics').map((batch) => (batch as MetricBatch).samples),
      [1],
    )
    const good = await post('/api/v1/write', compressed(messageOf(past ?? {})), WRITE_HEADERS)
    assert.equal(good.statusCode, 204)
  })
})

describe('GitHub', () => {
  test('a signed delivery is in the log of its service before the answer', async () => {
    const { post, log } = await gatewayUnderTest()
    const body = exampleOf('deployment')
    const answer = await post('/webhooks/github', body, signed('deployment', body))
    assert.equal(answer.statusCode, 202)
    const [event] = log.read('devops.deployments') as DeploymentEvent[]
    assert.equal(event?.key, 'github:Codertocat/Hello-World/deployment/145988746')
    assert.deepEqual(answer.json(), { accepted: 1, ids: [event.id] })
    assert.equal(log.records[0]?.partition, partitionOf(event.service))
    assert.equal(log.records[0].key, event.service)
  })

  test('ping and what is not of interest are answered, and leave nothing', async () => {
    const { post, log } = await gatewayUnderTest()
    for (const [kind, reason] of [
      ['ping', 'ping'],
      ['check_run', 'check_of_no_workflow_run'],
      ['star', 'kind_not_subscribed'],
    ] as const) {
      const body = exampleOf(kind)
      const answer = await post('/webhooks/github', body, signed(kind, body))
      assert.equal(answer.statusCode, 200)
      assert.deepEqual(answer.json(), { accepted: 0, notOfInterest: reason })
    }
    assert.equal(log.records.length, 0)
  })

  test('half of a surrogate pair in a name from GitHub becomes U+FFFD', async () => {
    const { post, log } = await gatewayUnderTest()
    const body = exampleOf('deployment').replace('"ref":"master"', '"ref":"m\\ud800"')
    assert.match(body, /"m\\ud800"/)
    assert.equal((await post('/webhooks/github', body, signed('deployment', body))).statusCode, 202)
    const [event] = log.read('devops.deployments') as DeploymentEvent[]
    assert.equal(event?.branch, 'm\ufffd')
  })

  test('the signature is checked before anything is parsed', async () => {
    const { post, log } = await gatewayUnderTest()
    const body = exampleOf('deployment')
    const headers = signed('deployment', body)
    assert.equal((await post('/webhooks/github', body)).statusCode, 401)
    assert.equal((await post('/webhooks/github', `${body} `, headers)).statusCode, 401)
    assert.equal((await post('/webhooks/github', '{{{', signed('deployment', 'x'))).statusCode, 401)
    assert.equal((await post('/webhooks/github', '{{{', signed('deployment', '{{{'))).statusCode, 400)
    assert.equal(log.records.length, 0)
  })

  test('without a secret the route is off and says how to turn it on', async () => {
    const { post } = await gatewayUnderTest({ githubWebhookSecret: null })
    const body = exampleOf('deployment')
    const answer = await post('/webhooks/github', body, signed('deployment', body))
    assert.equal(answer.statusCode, 404)
    const { error } = answer.json<ErrorAnswer>()
    assert.equal(error.code, 'off')
    assert.match(error.message, /gateway\.github_webhook_secret/)
  })
})

test('an environment that is not configured is accepted, and the answer warns of it once', async () => {
  const { post } = await gatewayUnderTest()
  const of = (service: string, key: string) => ({ type: 'deployment', service, key, phase: 'started' })
  const items = [of('productoin/shop', '1'), of('productoin/cart', '2'), of('prod/shop', '3')]
  const answer = await post(EVENTS, JSON.stringify(items))
  assert.equal(answer.statusCode, 202)
  assert.deepEqual(answer.json<{ warnings: string[] }>().warnings, [
    'environment productoin is not in the configuration: treated as development',
  ])
  const known = await post(EVENTS, started)
  assert.equal('warnings' in known.json<object>(), false)
})

describe('access', () => {
  test('without a token this machine may write, others may not', async () => {
    const { server, post, log } = await gatewayUnderTest()
    assert.equal((await post(EVENTS, started)).statusCode, 202)
    const headers = { 'content-type': 'application/json' }
    for (const url of [EVENTS, '/webhooks/alertmanager', '/api/v1/write']) {
      const answer = await server.inject({ method: 'POST', url, headers, payload: started, remoteAddress: '10.0.0.9' })
      assert.equal(answer.statusCode, 403)
      assert.match(answer.json<ErrorAnswer>().error.message, /gateway\.token/)
    }
    assert.equal(log.records.length, 1)
  })

  test('with a token only its bearer may, from anywhere', async () => {
    const token = 'a token of some length'
    const { server, post } = await gatewayUnderTest({ token })
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, `Basic ${token}`, 'Bearer wrong']) {
      const answer = await post(EVENTS, started, { authorization })
      assert.equal(answer.statusCode, 401, authorization)
      assert.equal(answer.headers['www-authenticate'], 'Bearer')
      assert.ok(!answer.body.includes(token))
    }
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const request = { method: 'POST', url: EVENTS, headers, payload: started, remoteAddress: '10.0.0.9' } as const
    assert.equal((await server.inject(request)).statusCode, 202)
  })

  test('a page of another origin is refused', async () => {
    const { post, log } = await gatewayUnderTest()
    assert.equal((await post(EVENTS, started, { origin: 'https://evil.example' })).statusCode, 403)
    assert.equal((await post(EVENTS, started, { host: 'evil.example' })).statusCode, 403)
    assert.equal(log.records.length, 0)
  })
})

describe('limits', () => {
  test('size, depth, number and type', async () => {
    const { post, log } = await gatewayUnderTest()
    const table: readonly [string, number, Record<string, string>][] = [
      [`"${'x'.repeat(300 * 1024)}"`, 413, {}],
      [`${'['.repeat(100)}${']'.repeat(100)}`, 413, {}],
      [JSON.stringify(Array(101).fill(JSON.parse(started))), 413, {}],
      [started, 415, { 'content-type': 'text/plain' }],
      [started, 415, { 'content-type': 'application/x-www-form-urlencoded' }],
      [started, 415, { 'content-encoding': 'gzip' }],
      ['', 400, {}],
      ['{"type":', 400, {}],
      ['{"__proto__":{"type":"deployment"}}', 400, {}],
    ]
    for (const [body, status, headers] of table) {
      const answer = await post(EVENTS, body, headers)
      assert.equal(answer.statusCode, status, body.slice(0, 60))
      assert.ok(answer.json<ErrorAnswer>().error.message.length > 10)
    }
    assert.equal(log.records.length, 0)
  })

  test('what would pass the bytes held is refused before it is taken', async () => {
    const { post, log } = await gatewayUnderTest({ heldBytesMax: 1_000 })
    const many = JSON.stringify(Array(20).fill(JSON.parse(started)))
    assert.equal((await post(EVENTS, many)).statusCode, 413)
    assert.equal((await post(EVENTS, started)).statusCode, 202)
    assert.equal(log.records.length, 1)
  })
})

describe('Kafka in trouble', () => {
  test('no 2xx without an acknowledgement; Retry-After where a repeat helps', async () => {
    const { post, log } = await gatewayUnderTest()
    const table: readonly [Error, number, string][] = [
      [new KafkaUnavailable('timeout', 'no acknowledgement within 1 ms'), 503, 'unconfirmed'],
      [new KafkaUnavailable('send_failed', 'no broker answers'), 503, 'unavailable'],
      [new KafkaUnavailable('queue_full', '1 byte is waiting already'), 503, 'overloaded'],
      [new KafkaUnavailable('closed', 'the publisher is closed'), 503, 'unavailable'],
      [new RecordTooLarge('devops.deployments', 2, 1), 413, 'too_large'],
    ]
    for (const [trouble, status, code] of table) {
      log.trouble = trouble
      const answer = await post(EVENTS, started)
      const { error } = answer.json<ErrorAnswer>()
      assert.deepEqual([answer.statusCode, error.code], [status, code])
      assert.equal(error.retryable, status === 503)
      assert.equal(answer.headers['retry-after'] !== undefined, status === 503)
    }
    log.trouble = null
    assert.equal((await post(EVENTS, started)).statusCode, 202)
    assert.equal(log.records.length, 1)
  })

  test('while the lane is full a request is refused before its body is read', async () => {
    const { server, log } = await gatewayUnderTest({ heldBytesMax: 1_000 })
    const gate = Promise.withResolvers<undefined>()
    log.publish = async () => gate.promise
    const headers = { 'content-type': 'application/json' }
    const big = JSON.stringify({ ...(JSON.parse(started) as object), name: 'x'.repeat(500) })
    const send = () => server.inject({ method: 'POST', url: EVENTS, headers, payload: big })
    const first = send()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const second = await send()
    assert.equal(second.statusCode, 503)
    assert.equal(second.json<ErrorAnswer>().error.code, 'overloaded')
    assert.equal(second.headers['retry-after'], '1')
    gate.resolve(undefined)
    assert.equal((await first).statusCode, 202)
    assert.equal((await send()).statusCode, 202)
  })
})

test('alerts become incidents, trace and all', async () => {
  const { post, log } = await gatewayUnderTest()
  const alert = {
    status: 'firing',
    labels: { alertname: 'Down', service: 'shop', environment: 'production' },
    annotations: {},
    startsAt: '2026-01-05T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: 'f1',
  }
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const answer = await post('/webhooks/alertmanager', JSON.stringify({ version: '4', alerts: [alert] }), {
    traceparent,
  })
  assert.equal(answer.statusCode, 202)
  const [event] = log.read('devops.incidents') as IncidentEvent[]
  assert.deepEqual([event?.title, event?.trace], ['Down', traceparent])
})

describe('a group of alerts', () => {
  const alert = (number: number, over: object = {}) => ({
    status: 'firing',
    labels: { alertname: `Down ${number}`, service: 'shop', environment: 'production' },
    annotations: {},
    startsAt: '2026-01-05T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: `f${number}`,
    ...over,
  })
  const ahead = alert(1, { startsAt: new Date(NOW + 11 * 60_000).toISOString() })
  const large = alert(2, {
    annotations: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, 'x'.repeat(60_000)])),
  })
  const broken = alert(3, { startsAt: 'yesterday' })
  const send = (post: GatewayUnderTest['post'], alerts: readonly object[]) =>
    post('/webhooks/alertmanager', JSON.stringify({ version: '4', alerts }))

  test('what cannot be accepted is left out alone, told and counted', async () => {
    const { post, log, registry } = await gatewayUnderTest({ bodyBytesMax: 1024 * 1024 })
    const answer = await send(post, [alert(0), ahead, large, broken, alert(4)])
    assert.equal(answer.statusCode, 202)
    assert.equal(answer.json<{ accepted: number }>().accepted, 2)
    const titles = (log.read('devops.incidents') as IncidentEvent[]).map(({ title }) => title)
    assert.deepEqual(titles, ['Down 0', 'Down 4'])
    const text = await registry.metrics()
    for (const [reason, count] of [
      ['malformed', 2],
      ['too_large', 1],
    ] as const) {
      const labels = `route="alertmanager",reason="${reason}",process="gateway"`
      assert.ok(text.includes(`devops_gateway_refused_events_total{${labels}} ${count}`), reason)
    }
  })

  test('where nothing can be accepted the first reason is the answer', async () => {
    const { post, log } = await gatewayUnderTest({ bodyBytesMax: 1024 * 1024 })
    for (const [alerts, status, field] of [
      [[ahead, large], 400, 'occurredAt'],
      [[large], 413, 'annotations'],
      [[broken], 400, 'alerts.0.startsAt'],
    ] as const) {
      const answer = await send(post, alerts)
      assert.deepEqual([answer.statusCode, answer.json<ErrorAnswer>().error.field], [status, field])
    }
    assert.equal(log.records.length, 0)
  })

  test('is published in parts, so that a large one takes a small part of the lane at a time', async () => {
    const { post, log } = await gatewayUnderTest({ eventsPerRequestMax: 3 })
    const parts: number[] = []
    const publish = log.publish.bind(log)
    log.publish = (records) => {
      parts.push(records.length)
      return publish(records)
    }
    const numbers = Array.from({ length: 8 }, (_, number) => number)
    const answer = await send(
      post,
      numbers.map((number) => alert(number)),
    )
    assert.equal(answer.statusCode, 202)
    assert.deepEqual(parts, [3, 3, 2])
    assert.deepEqual(
      (log.read('devops.incidents') as IncidentEvent[]).map(({ title }) => title),
      numbers.map((number) => `Down ${number}`),
    )
  })
})

test('a clock that is ahead is flagged above five minutes and refused above ten', async () => {
  const { post, log, registry } = await gatewayUnderTest()
  const at = (aheadMs: number) => JSON.stringify({ ...(JSON.parse(started) as object), occurredAt: NOW + aheadMs })
  assert.equal((await post(EVENTS, at(5 * 60_000))).statusCode, 202)
  assert.equal((await post(EVENTS, at(5 * 60_000 + 1))).statusCode, 202)
  assert.equal((await post(EVENTS, at(10 * 60_000 + 1))).statusCode, 400)
  assert.equal(log.records.length, 2)
  assert.match(await registry.metrics(), /^devops_gateway_skewed_events_total\{route="events",process="gateway"\} 1$/m)
})

test('what happened is counted under closed names', async () => {
  const { post, log, registry } = await gatewayUnderTest()
  await post(EVENTS, started)
  await post(EVENTS, '{}')
  await post('/webhooks/github', '{}')
  const ping = exampleOf('ping')
  await post('/webhooks/github', ping, signed('ping', ping))
  log.trouble = new KafkaUnavailable('send_failed', 'away')
  await post(EVENTS, started)
  const text = await registry.metrics()
  for (const line of [
    'devops_gateway_events_total{route="events",topic="devops.deployments",process="gateway"} 1',
    'devops_gateway_rejections_total{route="events",reason="malformed",process="gateway"} 1',
    'devops_gateway_rejections_total{route="events",reason="unavailable",process="gateway"} 1',
    'devops_gateway_rejections_total{route="github",reason="unauthorized",process="gateway"} 1',
    'devops_gateway_not_of_interest_total{reason="ping",process="gateway"} 1',
    'devops_gateway_publish_failures_total{lane="events",process="gateway"} 1',
    'devops_gateway_queue_bytes{lane="events",process="gateway"} 0',
  ]) {
    assert.ok(text.includes(line), `${line}\nis not in\n${text.replaceAll(/^(?!devops_gateway).*\n/gm, '')}`)
  }
})
