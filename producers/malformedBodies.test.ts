/** Whatever is thrown at a route, the answer is understood by the sender and never a 5xx, and a refusal leaves nothing but what it says it kept. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compressed, messageOf, series, WRITE_HEADERS } from './writeRequestUnderTest.ts'
import { gatewayUnderTest, signed, type ErrorAnswer, type GatewayUnderTest } from './gatewayUnderTest.ts'

const GITHUB_KINDS = [
  'check_run',
  'deployment',
  'deployment_status',
  'pull_request',
  'push',
  'workflow_job',
  'workflow_run',
]
const published = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as readonly { name: string; examples: readonly object[] }[]
const deliveries = published.flatMap(({ name, examples }) =>
  GITHUB_KINDS.includes(name) ? examples.map((payload) => ({ kind: name, payload })) : [],
)
const alerts = {
  version: '4',
  alerts: [
    {
      status: 'resolved',
      labels: { alertname: 'Down', service: 'shop' },
      annotations: { summary: 'down' },
      startsAt: '2026-01-05T10:00:00Z',
      endsAt: '2026-01-05T10:10:00Z',
      generatorURL: 'http://prometheus',
      fingerprint: 'f1',
    },
  ],
}
const events = [
  {
    type: 'deployment',
    id: 'a',
    service: 'production/shop',
    key: '1',
    phase: 'step',
    step: { key: 's', name: 's', kind: 'job', state: 'queued' },
    change: { filesAdded: 1 },
    links: ['events:2'],
    occurredAt: 1_700_000_000_000,
  },
  { type: 'incident', service: 'production/shop', key: '1', phase: 'firing', title: 't', labels: { a: 'b' } },
  {
    type: 'infrastructure',
    names: { kubernetes: { name: 'shop' } },
    resource: 'node/a',
    kind: 'node',
    quantities: { cpu: 1 },
  },
]

/** Values that break parsers: wrong kinds, extremes, names that objects have by birth, halves of surrogate pairs. */
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    null,
    '',
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    -(2 ** 63),
    1e308,
    '\ud800',
    '\u0000',
    '0000-00-00T00:00:00Z',
    '9999-12-31T23:59:59.999999999+23:59',
    '__proto__',
    {},
    [],
    [[]],
    { ['__proto__']: { a: 1 }, constructor: 1, toString: 1 },
  ),
)

/** The value with one of its parts, anywhere in it, exchanged or taken out. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return odd
  const keys = Object.keys(value)
  if (keys.length === 0) return odd
  return fc.oneof(
    { weight: 1, arbitrary: odd },
    {
      weight: 6,
      arbitrary: fc.constantFrom(...keys).chain((key) => {
        const part = (value as Record<string, unknown>)[key]
        const exchanged = fc.oneof(
          { weight: 3, arbitrary: mutated(part) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        )
        return exchanged.map((other) =>
          Array.isArray(value)
            ? value.map((each: unknown, index) => (String(index) === key ? other : each))
            : { ...value, [key]: other },
        )
      }),
    },
  )
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify([value]).slice(1, -1))
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array))
const truncated = (body: Buffer): fc.Arbitrary<Buffer> => fc.nat(body.length).map((end) => body.subarray(0, end))
const flipped = (body: Buffer): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.nat(Math.max(0, body.length - 1)), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(body)
    copy[at] = byte
    return copy
  })
const bodiesLike = (valid: unknown): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 6, arbitrary: mutated(valid).map(json) },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: truncated(json(valid)) },
    { weight: 1, arbitrary: flipped(json(valid)) },
    { weight: 1, arbitrary: fc.jsonValue().map(json) },
  )

async function neverFails(
  { post, log }: GatewayUnderTest,
  url: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<void> {
  const before = log.records.length
  const answer = await post(url, body, headers)
  const written = log.records.length - before
  assert.ok(answer.statusCode < 500, `${answer.statusCode}: ${answer.body}`)
  if (answer.statusCode >= 400) {
    const { error } = answer.json<ErrorAnswer>()
    assert.ok(error.code.length > 0 && error.message.length > 0, answer.body)
    const keptTheRest = /samples are .* and were left out; the other (\d+) were accepted/.exec(error.message)
    assert.equal(
      written > 0,
      Number(keptTheRest?.[1] ?? 0) > 0,
      'a refusal leaves what it says it kept and nothing else',
    )
  } else if (answer.statusCode !== 204) {
    assert.equal(answer.json<{ accepted: number }>().accepted, written, answer.body)
  }
}

const runs = { numRuns: 400 }

describe('malformed bodies', () => {
  test('GitHub, with a right signature', async () => {
    const gateway = await gatewayUnderTest()
    const attacks = fc
      .constantFrom(...deliveries)
      .chain(({ kind, payload }) => fc.tuple(fc.constant(kind), bodiesLike(payload)))
    await fc.assert(
      fc.asyncProperty(attacks, ([kind, body]) => neverFails(gateway, '/webhooks/github', body, signed(kind, body))),
      runs,
    )
    assert.ok(gateway.log.records.length > 0, 'some bodies were still valid')
  })

  test('Alertmanager', async () => {
    const gateway = await gatewayUnderTest()
    await fc.assert(
      fc.asyncProperty(bodiesLike(alerts), (body) => neverFails(gateway, '/webhooks/alertmanager', body, {})),
      runs,
    )
    assert.ok(gateway.log.records.length > 0)
  })

  test('our own JSON', async () => {
    const gateway = await gatewayUnderTest()
    await fc.assert(
      fc.asyncProperty(bodiesLike(events), (body) => neverFails(gateway, '/v1/events', body, {})),
      runs,
    )
    assert.ok(gateway.log.records.length > 0)
  })

  test('remote write', async () => {
    const gateway = await gatewayUnderTest()
    const message = messageOf(
      series({ __name__: 'up', job: 'shop', instance: 'a' }, 1, 0),
      series({ __name__: 'up', job: 'shop', instance: 'b' }, 1),
    )
    const valid = compressed(message)
    const attacks = fc.oneof(
      flipped(message).map(compressed),
      truncated(message).map(compressed),
      bytes.map(compressed),
      flipped(valid),
      truncated(valid),
      bytes,
    )
    await fc.assert(
      fc.asyncProperty(attacks, (body) => neverFails(gateway, '/api/v1/write', body, WRITE_HEADERS)),
      runs,
    )
    assert.ok(gateway.log.records.length > 0)
  })

  test('headers of any kind', async () => {
    const gateway = await gatewayUnderTest()
    const text = fc
      .string({ unit: 'binary-ascii', maxLength: 40 })
      .map((value) => value.replaceAll(/[^\x20-\x7e]/g, '?'))
    const header = fc.record(
      {
        'content-type': fc.oneof(text, fc.constantFrom('application/json; charset=x', 'application/x-protobuf;proto=')),
        'content-encoding': text,
        'x-github-event': text,
        'x-hub-signature-256': text,
        authorization: text,
        traceparent: text,
        'x-prometheus-remote-write-version': text,
      },
      { requiredKeys: [] },
    )
    const urls = fc.constantFrom('/webhooks/github', '/webhooks/alertmanager', '/v1/events', '/api/v1/write')
    await fc.assert(
      fc.asyncProperty(urls, header, bytes, (url, headers, body) => neverFails(gateway, url, body, headers)),
      runs,
    )
  })
})
