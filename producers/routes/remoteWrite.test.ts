import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KafkaUnavailable } from '../../runtime/kafka/errors.ts'
import type { MetricBatch } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { gatewayUnderTest, type ErrorAnswer, type GatewayUnderTest } from '../gatewayUnderTest.ts'
import { mappingWith, NOW } from '../sources/mappingUnderTest.ts'
import { compressed, messageOf, series, WRITE_HEADERS } from '../writeRequestUnderTest.ts'

const WRITE = '/api/v1/write'
const body = (...timeseries: object[]): Buffer => compressed(messageOf(...timeseries))

const shop = { job: 'shop-api', instance: '10.0.0.1:9100', environment: 'prod' }
const node = { job: 'node', instance: '10.0.0.2:9100', environment: 'prod' }
const scrape = body(
  series({ __name__: 'http_requests_total', ...shop, code: '200' }, 1, 2, 3),
  series({ __name__: 'http_requests_total', ...shop, code: '500' }, 0, 0, 1),
  series({ __name__: 'up', ...node }, 1),
)
const catalog = mappingWith('{ version: 1, services: { shop: { prometheus: [shop-api] } } }').catalog
const batchesOf = ({ log }: GatewayUnderTest): MetricBatch[] => log.read('devops.metrics') as MetricBatch[]

describe('remote write 1.0', () => {
  test('one record for each target, in the partition of its service', async () => {
    const gateway = await gatewayUnderTest({ catalog })
    const answer = await gateway.post(WRITE, scrape, WRITE_HEADERS)
    assert.deepEqual([answer.statusCode, answer.body], [204, ''])
    const batches = batchesOf(gateway).toSorted((a, b) => a.samples - b.samples)
    assert.deepEqual(
      batches.map(({ service, environment, target, samples, series: count, occurredAt }) => ({
        service,
        environment,
        target,
        samples,
        count,
        occurredAt,
      })),
      [
        {
          service: 'production/unassigned:node',
          environment: 'production',
          target: '{environment="prod",instance="10.0.0.2:9100",job="node"}',
          samples: 1,
          count: 1,
          occurredAt: NOW - 60_000,
        },
        {
          service: 'production/shop',
          environment: 'production',
          target: '{environment="prod",instance="10.0.0.1:9100",job="shop-api"}',
          samples: 6,
          count: 2,
          occurredAt: NOW - 30_000,
        },
      ],
    )
    for (const record of gateway.log.records) {
      const batch = batches.find(({ target }) => target === record.key)
      assert.equal(record.partition, partitionOf(batch?.service ?? ''))
    }
  })

  test('labels are announced once, and again after they may be lost', async () => {
    const gateway = await gatewayUnderTest({ catalog })
    const announced = (): number[] => batchesOf(gateway).map(({ announced }) => announced.length)
    await gateway.post(WRITE, scrape, WRITE_HEADERS)
    await gateway.post(WRITE, scrape, WRITE_HEADERS)
    const [first, second, third, fourth] = announced()
    assert.ok((first ?? 0) > 0 && (second ?? 0) > 0)
    assert.deepEqual([third, fourth], [0, 0])

    gateway.log.trouble = new KafkaUnavailable('timeout', 'no acknowledgement')
    assert.equal((await gateway.post(WRITE, scrape, WRITE_HEADERS)).statusCode, 503)
    gateway.log.trouble = null
    await gateway.post(WRITE, scrape, WRITE_HEADERS)
    assert.deepEqual(announced().slice(4), [first, second])
  })

  test('a repeat is the same batch', async () => {
    const gateway = await gatewayUnderTest({ catalog })
    await gateway.post(WRITE, scrape, WRITE_HEADERS)
    await gateway.post(WRITE, scrape, WRITE_HEADERS)
    const ids = batchesOf(gateway).map(({ id }) => id)
    assert.deepEqual(ids.slice(0, 2), ids.slice(2))
    assert.equal(new Set(ids).size, 2)
  })

  test('a request without samples leaves nothing', async () => {
    const gateway = await gatewayUnderTest()
    assert.equal((await gateway.post(WRITE, body(series({ __name__: 'up' })), WRITE_HEADERS)).statusCode, 204)
    assert.equal(gateway.log.records.length, 0)
  })

  test('what is not remote write 1.0 is refused with the reason', async () => {
    const gateway = await gatewayUnderTest()
    const many = Array.from({ length: 1_001 }, (_, index) => series({ __name__: 'm', index: String(index) }, 1))
    const zeros = compressed(new Uint8Array(5 * 1024 * 1024))
    const table: readonly [Buffer, Record<string, string>, number, string | undefined][] = [
      [scrape, { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }, 415, undefined],
      [scrape, { 'x-prometheus-remote-write-version': '2.0.0' }, 415, undefined],
      [scrape, { 'content-encoding': 'gzip' }, 415, undefined],
      [scrape, { 'content-type': 'application/json' }, 415, undefined],
      [Buffer.from('not snappy at all'), {}, 400, 'body'],
      [scrape.subarray(0, scrape.length - 3), {}, 400, 'body'],
      [body(series({ job: 'nameless' }, 1)), {}, 400, 'labels'],
      [Buffer.alloc(0), {}, 400, undefined],
      [body(...many), {}, 413, 'timeseries'],
      [zeros, {}, 413, 'body'],
    ]
    for (const [payload, headers, status, field] of table) {
      const answer = await gateway.post(WRITE, payload, { ...WRITE_HEADERS, ...headers })
      const { error } = answer.json<ErrorAnswer>()
      assert.deepEqual([answer.statusCode, error.field], [status, field], error.message)
    }
    assert.equal(gateway.log.records.length, 0)
    const explicit = { 'content-type': 'application/x-protobuf; proto=prometheus.WriteRequest' }
    assert.equal((await gateway.post(WRITE, scrape, { ...WRITE_HEADERS, ...explicit })).statusCode, 204)
  })
})
