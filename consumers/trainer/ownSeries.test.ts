import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fastify } from 'fastify'
import { SeriesUnavailable, ownSeries } from './ownSeries.ts'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-03-01T12:30:00Z')
const points = Array.from({ length: 400 }, (_, hour) => [Math.floor(NOW / HOUR_MS - hour - 1) * HOUR_MS, hour])

interface Known {
  address: string
}

/** A consumer that holds one series of node_load1. */
async function consumer(t: TestContext, service: string, members: Known[]): Promise<string> {
  const server = fastify({ forceCloseConnections: true })
  server.get('/v1/owners', () => ({ instance: service, address, shards: [], members }))
  server.post<{ Body: { metric: string } }>('/v1/query/query_metrics', ({ body }) => ({
    series: body.metric === 'node_load1' ? [{ service, labels: { job: 'node' }, points, truncated: false }] : [],
  }))
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  return address
}

test('series of consumers that only a seed knows are learnt from too, each once', async (t) => {
  const members: Known[] = []
  const seed = await consumer(t, 'production/a', members)
  const other = await consumer(t, 'production/b', members)
  members.push({ address: seed }, { address: other })
  assert.equal((await ownSeries([seed], NOW)).length, 2)
  assert.equal((await ownSeries([seed, `${other}/`], NOW)).length, 2)
})

test('a consumer that is away costs its own series; none that answers is an error', async (t) => {
  const members: Known[] = []
  const seed = await consumer(t, 'production/a', members)
  members.push({ address: seed }, { address: 'http://127.0.0.1:9' })
  assert.equal((await ownSeries([seed], NOW)).length, 1)
  await assert.rejects(ownSeries(['http://127.0.0.1:9'], NOW), SeriesUnavailable)
})
