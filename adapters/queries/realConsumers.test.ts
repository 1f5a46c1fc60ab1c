/** The adapter's lists over the answers of real consumers: nothing is lost or told twice, whatever was told of a run. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fastify, type FastifyInstance } from 'fastify'
import { EMPTY_CATALOG } from '../../runtime/configuration/catalog.ts'
import { addQueryRoutes } from '../../consumers/queries/routes.ts'
import {
  applyAlert,
  applyRun,
  contextOf,
  FINISHED,
  openState,
  STEP,
  viewOf,
} from '../../consumers/queries/stateUnderTest.ts'
import type { Member } from '../../schemas/generated/events.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { SHARDS } from '../../schemas/topics.ts'
import type { QueryClient } from './client.ts'
import type { ListItem, ListName } from './lists.ts'
import { QUERY_LIMITS } from './limits.ts'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import { openQueries } from './open.ts'

const { environments: ENVIRONMENTS } = readConfiguration({ env: {} })
const NOW = Date.parse('2026-03-01T12:00:00Z')
const state = openState()
const servers: FastifyInstance[] = []
let client: QueryClient

/** Two consumers that share the shards of one state. */
before(async () => {
  const shares = [0, 1].map((part) => Array.from({ length: SHARDS }, (_, i) => i).filter((i) => i % 2 === part))
  const members: Member[] = []
  for (const [part, shards] of shares.entries()) {
    const server = fastify({ forceCloseConnections: true })
    const instance = `consumer-${part}`
    const context = contextOf(state, NOW, { shards: () => shards.map((shard) => viewOf(state, shard, NOW)) })
    const owners = () => ({ instance, address: members[part]?.address ?? '', shards, members })
    addQueryRoutes(server, { context, owners, onAnswered: () => undefined })
    members.push({ instance, address: await server.listen({ host: '127.0.0.1', port: 0 }), shards, since: 1, at: 1 })
    servers.push(server)
  }
  const unheard = { ownerReplied: () => undefined, membershipLearnt: () => undefined }
  const seeds = [members[0]?.address ?? '']
  client = openQueries(
    { seeds, catalog: EMPTY_CATALOG, environments: ENVIRONMENTS, limits: QUERY_LIMITS },
    unheard,
  ).client
})
after(async () => {
  await Promise.all(servers.map((server) => server.close()))
  state.drop()
})

async function everything<Name extends ListName>(name: Name, input: object): Promise<ListItem<Name>[]> {
  const items: ListItem<Name>[] = []
  let cursor: string | null = null
  do {
    const asked: object = { ...input, cursor: cursor ?? undefined }
    const page = (await client.ask(name, asked)) as QueryOutput<ListName>
    assert.equal(page.complete, true)
    items.push(...(page.items as ListItem<Name>[]))
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

const services = Array.from({ length: 12 }, (_, i) => `production/s${i}`)
const told = { started: {}, finished: FINISHED, step: STEP, requested: { phase: 'requested' } }

test('runs that only their start, end, request or a step was told of are all listed, newest first', async () => {
  const keys = services.flatMap((service, i) =>
    Object.values(told).flatMap((how, kind) =>
      [0, 1, 2].map((n) => applyRun(state, service, kind * 10 + n, NOW - ((i * 5 + n * 3) % 9) * 1000, how)),
    ),
  )
  for (const limit of [1, 10, 100]) {
    const items = await everything('list_deployments', { limit })
    assert.deepEqual(items.map(({ key }) => key).sort(), [...keys].sort())
    const times = items.map(({ listedAt }) => Date.parse(listedAt))
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
    )
  }
})

test('of a service alone too', async () => {
  const items = await everything('list_deployments', { service: services[3], limit: 5 })
  assert.equal(new Set(items.map(({ key }) => key)).size, 12)
})

test('the scorecard of all is made of the counts of both consumers', async () => {
  for (const [i, service] of services.entries()) {
    for (let n = 0; n < 5; n++) {
      const fields = [NOW - n * 60_000, n === 0 ? 0.3 : 0.9, 0.8, Number(n > 0), 0, NaN, NaN, NaN, NaN, 1, 0]
      state.doorOf(service).scoreAdd(service, 'deployment', `${i}/${n}`, Float64Array.from(fields))
    }
  }
  const window = { from: new Date(NOW - 3_600_000).toISOString(), to: new Date(NOW + 1).toISOString() }
  const card = await client.ask('get_scorecard', window)
  assert.deepEqual([card.outcomes, card.failures, card.from, card.complete], [60, 12, window.from, true])
  assert.deepEqual(card.flagging[0], { rule: 'p_failure >= 0.5', flagged: 12, caught: 12, falseAlarms: 0 })
  const value = (name: string) => card.scores.find(({ score }) => score === name)?.value
  assert.deepEqual([value('accuracy'), value('auc'), value('capture_10')], [1, 1, 0.5])
  const { outcomes } = await client.ask('get_scorecard', { ...window, service: services[2] })
  assert.equal(outcomes, 5)
})

test('services and incidents are all listed', async () => {
  const keys = services.map((service, i) => applyAlert(state, service, i, NOW - (i % 3) * 1000))
  const incidents = await everything('list_incidents', { limit: 5 })
  assert.deepEqual(incidents.map(({ key }) => key).sort(), [...keys].sort())
  const listed = await everything('list_services', { limit: 5 })
  assert.deepEqual(
    listed.map(({ service }) => service),
    [...services].sort(),
  )
})
