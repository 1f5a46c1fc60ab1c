import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { EMPTY_CATALOG, type Catalog } from '../../runtime/configuration/catalog.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { QueryClient } from './client.ts'
import { ALL_SHARDS, deployment, incident, startPeer, type Contents, type Peer } from './consumerPeer.ts'
import { BadAnswer, Cancelled, InvalidInput, NotFound, PredictionLate, Restoring, Unavailable } from './errors.ts'
import { QUERY_LIMITS, type QueryLimits } from './limits.ts'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import { openQueries } from './open.ts'

const { environments: ENVIRONMENTS } = readConfiguration({ env: {} })
const peers: Peer[] = []
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()))
})

const LIMITS: QueryLimits = {
  ...QUERY_LIMITS,
  attemptTimeoutMs: 5_000,
  patienceMs: 6_000,
  listPatienceMs: 2_000,
  retryDelayMs: 20,
}
const LOW = ALL_SHARDS.filter((shard) => shard < 6)
const HIGH = ALL_SHARDS.filter((shard) => shard >= 6)
const T0 = Date.parse('2026-01-01T00:00:00Z')

const services = Array.from({ length: 30 }, (_, index) => `production/s${index}`)
const [lowService = '', highService = ''] = [LOW, HIGH].map((shards) =>
  services.find((service) => shards.includes(partitionOf(service))),
)
const CONTENTS: Contents = {
  deployments: services.flatMap((service, index) => [
    deployment(service, T0 + index * 1000),
    deployment(service, T0 + (index % 4) * 1000, `${service}-b`),
  ]),
  incidents: services.map((service, index) => incident(service, T0 + index)),
}

async function peer(instance: string, shards = ALL_SHARDS, contents = CONTENTS): Promise<Peer> {
  const started = await startPeer(instance, contents, shards)
  peers.push(started)
  return started
}

async function pair(): Promise<readonly [Peer, Peer]> {
  const [low, high] = await Promise.all([peer('low', LOW), peer('high', HIGH)])
  introduce(low, high)
  return [low, high]
}

function introduce(low: Peer, high: Peer, at = 1): void {
  const members = [
    { instance: 'low', address: low.address, shards: LOW, at },
    { instance: 'high', address: high.address, shards: HIGH, at },
  ]
  low.know(members)
  high.know(members)
}

function clientOf(
  seeds: readonly Peer[],
  limits: Partial<QueryLimits> = {},
  catalog: Catalog = EMPTY_CATALOG,
  pseudonym?: (person: string) => string | null,
): QueryClient {
  const unheard = { ownerReplied: () => undefined, membershipLearnt: () => undefined }
  const addresses = seeds.map((one) => one.address)
  return openQueries(
    {
      seeds: addresses,
      catalog,
      environments: ENVIRONMENTS,
      limits: { ...LIMITS, ...limits },
      ...(pseudonym === undefined ? {} : { pseudonym }),
    },
    unheard,
  ).client
}

async function pages(client: QueryClient, limit: number): Promise<string[]> {
  const keys: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof client.ask<'list_deployments'>>> = await client.ask('list_deployments', {
      limit,
      cursor: cursor ?? undefined,
    })
    assert.equal(page.complete, true)
    keys.push(...page.items.map((item) => item.key))
    cursor = page.nextCursor
  } while (cursor !== null)
  return keys
}

test('a list of all owners is merged, newest first, each item once', async () => {
  const keys = await pages(clientOf([(await pair())[0]]), 7)
  assert.equal(keys.length, CONTENTS.deployments.length)
  assert.equal(new Set(keys).size, keys.length)
  const at = new Map(CONTENTS.deployments.map((item) => [item.key, Date.parse(item.startedAt ?? '')]))
  const times = keys.map((key) => at.get(key) ?? 0)
  assert.deepEqual(
    times,
    [...times].sort((a, b) => b - a),
  )
})

test('a service is asked of its owner alone', async () => {
  const [low, high] = await pair()
  const answer = await clientOf([low]).ask('get_service', { service: highService })
  assert.equal(answer.service, highService)
  assert.equal(low.asked.length, 0)
  assert.equal(high.asked.length, 1)
})

test('the owner of a service is found by the name that its alias stands for', async () => {
  const [low, high] = await pair()
  const answer = await clientOf([low]).ask('get_service', { service: highService.replace('production/', 'Prod/') })
  assert.equal(answer.service, highService)
  assert.deepEqual([low.asked.length, high.asked.length], [0, 1])
})

test('421 leads to the address it tells', async () => {
  const [low, high] = await pair()
  const client = clientOf([low])
  await client.ask('get_service', { service: lowService })
  low.hold(CONTENTS, HIGH)
  high.hold(CONTENTS, LOW)
  low.know([{ instance: 'high', address: high.address, shards: LOW, at: 2 }])
  const answer = await client.ask('get_service', { service: lowService })
  assert.equal(answer.service, lowService)
  assert.equal(high.asked.length, 1)
})

test('Retry-After is waited for within the patience, and told beyond it', async () => {
  const one = await peer('one')
  const restoring = (seconds: number) => ({
    status: 503,
    headers: { 'retry-after': String(seconds) },
    body: { error: { code: 'restoring', message: 'wait' } },
  })
  const client = clientOf([one])
  one.refusals.push(restoring(1))
  const startedAt = performance.now()
  await client.ask('get_service', { service: lowService })
  assert.ok(performance.now() - startedAt >= 990)
  one.refusals.push(restoring(60))
  await assert.rejects(
    client.ask('get_service', { service: lowService }),
    (error) => error instanceof Restoring && error.retryAfterSeconds === 60 && error.retryable,
  )
})

test('an owner that is away makes a list incomplete and says which shards', async () => {
  const [low, high] = await pair()
  const client = clientOf([low])
  await client.ask('list_incidents', {})
  await high.close()
  const page = await client.ask('list_incidents', { limit: 100 })
  assert.equal(page.complete, false)
  assert.match(page.incompleteReason ?? '', /shards 6, 7, 8, 9, 10, 11: .*does not answer/)
  assert.ok(page.items.length > 0)
  const health = await client.ask('get_health', {})
  assert.equal(health.status, 'degraded')
  assert.deepEqual(
    health.shards.filter((shard) => shard.state === 'lost').map((shard) => shard.shard),
    HIGH,
  )
})

test('another seed, or a known member, stands in for a seed that is away', async () => {
  const [low, high] = await pair()
  const client = clientOf([high, low], { ownersFreshMs: 0 })
  await high.close()
  low.hold(CONTENTS, ALL_SHARDS)
  const answer = await client.ask('get_service', { service: highService })
  assert.equal(answer.service, highService)
})

test('reports are summed: one pool of two, the slowest p99, every shard once', async () => {
  const client = clientOf([(await pair())[0]])
  const memory = await client.ask('get_memory', {})
  assert.deepEqual([memory.poolBytes, memory.usedBytes, memory.utilization, memory.regions.length], [2000, 200, 0.1, 1])
  assert.deepEqual([memory.idleBytes, memory.alert], [20, 'warning'])
  assert.deepEqual([memory.regions[0]?.fragmentation, memory.regions[0]?.alert], [0.2, 'notice'])
  const samples = { kind: 'samples', region: 'infrastructure_state', records: ALL_SHARDS.length }
  assert.deepEqual(memory.dropped, [samples])
  const [rolling, ciRuns] = memory.components
  assert.deepEqual([rolling?.component, rolling?.pages, rolling?.fragmentation], ['rolling', ALL_SHARDS.length, null])
  assert.deepEqual([ciRuns?.pages, ciRuns?.liveBytes, ciRuns?.fragmentation], [2, 200, 0.5])
  const health = await client.ask('get_health', {})
  assert.deepEqual(
    health.shards.map((shard) => shard.shard),
    ALL_SHARDS,
  )
  assert.equal(health.memoryAlert, 'critical')
  assert.equal(health.models.length, 1)
  assert.equal(health.targets[0]?.p99Ms, 16)
})

test('an incident is found wherever it is, and not found only when all owners answered', async () => {
  const [low, high] = await pair()
  const client = clientOf([low])
  const wanted = CONTENTS.incidents.find((item) => item.service === highService)?.key ?? ''
  assert.equal((await client.ask('get_incident', { key: wanted })).incident.key, wanted)
  await assert.rejects(client.ask('get_incident', { key: 'nothing' }), NotFound)
  await high.close()
  await assert.rejects(client.ask('get_incident', { key: 'nothing' }), Unavailable)
})

test('an incident key that services of several owners have needs the service', async () => {
  const twins = [lowService, highService].map((service) => incident(service, T0, { key: 'twin' }))
  const [low] = await Promise.all([
    peer('low', LOW, { deployments: [], incidents: twins }),
    peer('high', HIGH, { deployments: [], incidents: twins }),
  ]).then((both) => (introduce(...both), both))
  const client = clientOf([low])
  for (const service of [lowService, highService]) {
    assert.equal((await client.ask('get_incident', { key: 'twin', service })).incident.service, service)
  }
  await assert.rejects(
    client.ask('get_incident', { key: 'twin' }),
    (error) => error instanceof InvalidInput && error.field === 'service' && error.reason.includes(highService),
  )
})

test('a wrong input names its field and asks nobody', async () => {
  const one = await peer('one')
  const client = clientOf([one])
  const field = (name: string) => (error: unknown) => error instanceof InvalidInput && error.field === name
  await assert.rejects(client.ask('list_deployments', { limit: 1_000 }), field('limit'))
  await assert.rejects(client.ask('list_deployments', { enviroment: 'production' }), field('enviroment'))
  await assert.rejects(client.ask('query_metrics', { metric: 'up', from: 'yesterday', to: 'now' }), field('from'))
  await assert.rejects(client.ask('get_service', { service: '\ud800/x' }), field('service'))
  assert.deepEqual(one.asked, [])
})

test('nobody there: a named failure within the patience', async () => {
  const gone = await peer('gone')
  await gone.close()
  const startedAt = performance.now()
  await assert.rejects(
    clientOf([gone]).ask('get_health', {}),
    (error) => error instanceof Unavailable && /ECONNREFUSED/.test(error.message),
  )
  assert.ok(performance.now() - startedAt < LIMITS.patienceMs)
})

test('an answer out of contract is refused', async () => {
  const one = await peer('one')
  one.refusals.push({ status: 200, body: { service: 7 } })
  await assert.rejects(clientOf([one]).ask('get_service', { service: lowService }), BadAnswer)
  one.refusals.push({ status: 200, body: { fill: 'x'.repeat(5_000) } })
  await assert.rejects(
    clientOf([one], { ownerAnswerBytesMax: 4_000 }).ask('get_service', { service: lowService }),
    (error) => error instanceof BadAnswer && /4000 bytes/.test(error.message),
  )
})

test('a prediction that takes longer than learning.prediction.max_prediction_time is a named failure', async () => {
  const one = await peer('one')
  one.silentFor.add('predict_deployment')
  await assert.rejects(
    clientOf([one], { predictionMsMax: 50 }).ask('predict_deployment', { service: lowService }),
    (error) => error instanceof PredictionLate && /in 50 ms/.test(error.message),
  )
  assert.equal(one.asked.length, 1)
})

test('a cancelled question stops waiting', async () => {
  const one = await peer('one')
  one.refusals.push({ status: 503, headers: { 'retry-after': '1' }, body: {} })
  const abort = new AbortController()
  const asked = clientOf([one]).ask('get_service', { service: lowService }, abort.signal)
  setTimeout(() => {
    abort.abort()
  }, 100)
  await assert.rejects(asked, Cancelled)
})

test('more questions than may be in flight are turned away', async () => {
  const one = await peer('one')
  const client = clientOf([one], { inFlightMax: 1 })
  const settled = await Promise.allSettled([client.ask('get_health', {}), client.ask('get_health', {})])
  assert.deepEqual(
    settled.map((result) => result.status),
    ['fulfilled', 'rejected'],
  )
})

test('long texts of an incident are shortened until the answer fits', async () => {
  const loud = incident(lowService, T0, {
    key: 'loud',
    description: 'd'.repeat(60_000),
    annotations: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`a${index}`, 'x'.repeat(4_000)])),
  })
  const one = await peer('one', ALL_SHARDS, { deployments: [], incidents: [loud] })
  const answer = await clientOf([one]).ask('get_incident', { key: 'loud' })
  assert.ok(JSON.stringify(answer).length <= LIMITS.answerBytesMax)
  assert.match(answer.incident.description, /more characters\]$/)
  assert.equal(Object.keys(answer.incident.annotations).length, 40)
})

test('a list of a service reads its history through the names that the catalog maps by now, wherever they are kept', async () => {
  const [lowFormer = '', highFormer = ''] = [LOW, HIGH].map((shards) =>
    Array.from({ length: 100 }, (_, index) => `production/unassigned:x${index}`).find((name) =>
      shards.includes(partitionOf(name)),
    ),
  )
  const name = (service: string): string => service.slice(service.indexOf(':') + 1)
  const index = new Map([lowFormer, highFormer].map((service) => [name(service), 'shop']))
  const catalog = { ...EMPTY_CATALOG, names: { ...EMPTY_CATALOG.names, explicit: index } }
  const held = ['production/shop', lowFormer, highFormer].flatMap((service, at) =>
    [0, 3, 6].map((later) => deployment(service, T0 + (at + later) * 1000, `${service}-${later}`)),
  )
  const contents = { deployments: [...held, deployment('production/unassigned:other', T0)], incidents: [] }
  const [low, high] = await pair()
  low.hold(contents, LOW)
  high.hold(contents, HIGH)
  const client = clientOf([low], {}, catalog)

  const found: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof client.ask<'list_deployments'>>> = await client.ask('list_deployments', {
      service: 'production/shop',
      limit: 2,
      cursor: cursor ?? undefined,
    })
    assert.equal(page.complete, true)
    found.push(...page.items.map(({ key }) => key))
    cursor = page.nextCursor
  } while (cursor !== null)
  const newestFirst = held.toSorted((a, b) => Date.parse(b.startedAt ?? '') - Date.parse(a.startedAt ?? ''))
  assert.deepEqual(
    found,
    newestFirst.map(({ key }) => key),
  )
})

test("a person's name goes no further than the adapter: as a pseudonym, or not at all", async () => {
  const one = await peer('one')
  const question = { service: 'production/s1', actor: 'octocat' }
  const asked = async (pseudonym?: (person: string) => string | null): Promise<unknown> => {
    await clientOf([one], {}, EMPTY_CATALOG, pseudonym).ask('predict_deployment', question)
    return one.asked.at(-1)?.input
  }
  const open = { service: 'production/s1', subject: 'deployment' }
  assert.deepEqual(await asked((person) => `p-${person.length}`), { ...open, actor: 'p-7' })
  assert.deepEqual(await asked(() => null), open)
  assert.deepEqual(await asked(), open)
})
