/** For tests: shards of a real engine as a consumer's queries see them, and events that fill them. */
import assert from 'node:assert/strict'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import type { EngineDoor, ShardDoor } from '../../rust-engine/ts/door.ts'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import type { EngineOptions } from '../../rust-engine/ts/records.ts'
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'
import { patternRowOf } from '../deployments/patternRow.ts'
import { BacktestMemory } from './backtestMemory.ts'
import type { QueryContext, ShardView } from './context.ts'
import { answer } from './routes.ts'

const MIB = 1024 ** 2
const quotaBytes = {
  infrastructure_state: 16 * MIB,
  deployment_history: 32 * MIB,
  incident_database: 16 * MIB,
  active_operations: 16 * MIB,
}

export interface State {
  readonly engine: EngineDoor
  readonly doors: readonly ShardDoor[]
  doorOf(service: string): ShardDoor
  drop(): void
}

/** `borrowBytesMax`: none, so that a region is full once its quota is used. */
export function openState(borrowBytesMax: EngineOptions['borrowBytesMax'] = quotaBytes): State {
  const engine = openEngine({ poolBytes: 80 * MIB, quotaBytes, borrowBytesMax, shards: SHARDS })
  const doors = Array.from({ length: SHARDS }, (_, shard) => engine.createShard(shard))
  return {
    engine,
    doors,
    doorOf(service) {
      const door = doors[partitionOf(service)]
      assert.ok(door !== undefined)
      return door
    },
    drop() {
      for (const door of doors) door.drop()
    },
  }
}

export const viewOf = ({ doors }: State, shard: number, now: number): ShardView => ({
  shard,
  state: 'live',
  door: doors[shard] ?? null,
  clock: now - shard,
  freshThrough: now - shard,
  lagRecords: 0,
  gap: null,
})

export function contextOf(state: State, now: number, changes: Partial<QueryContext> = {}): QueryContext {
  return {
    shards: () => state.doors.map((_, shard) => viewOf(state, shard, now)),
    ownerOf: () => null,
    isInTouch: () => true,
    isMappedByNow: () => false,
    environments: readConfiguration({ env: {} }).environments,
    now: () => now,
    memory: () => state.engine.memory(),
    alertLevelOf: () => 'none',
    ask: () => {
      throw new Error('not asked in these tests')
    },
    keepAsked: () => undefined,
    forecaster: () => null,
    backtests: new BacktestMemory(),
    patternRow: (record, shard) => patternRowOf(record, shard, { zoneOf: () => 'UTC', duringMaintenance: () => false }),
    zoneOf: () => 'UTC',
    patterns: () => null,
    minSamples: 100,
    models: () => [],
    targets: () => [{ name: 'state_sync_latency', targetMs: 50, p99Ms: null }],
    ...changes,
  }
}

/** Asks as the query API does; the answer follows its schema and has no more. */
export function askerOf(state: State, now: number, changes: Partial<QueryContext> = {}) {
  return <N extends Exclude<QueryName, 'query_metrics' | ScoreQuery>>(name: N, input: object): QueryOutput<N> =>
    checked(name, answer(name, input, contextOf(state, now, changes)))
}

/** The same for the query whose answer is read beside the event loop. */
export function metricsAskerOf(state: State, now: number) {
  return async (input: object): Promise<QueryOutput<'query_metrics'>> =>
    checked('query_metrics', await answer('query_metrics', input, contextOf(state, now)))
}

type ScoreQuery = 'get_scorecard' | 'count_scores'
export function scoreAskerOf(state: State, now: number) {
  return async <N extends ScoreQuery>(name: N, input: object): Promise<QueryOutput<N>> =>
    checked(name, await answer(name, input, contextOf(state, now)))
}

function checked<N extends QueryName>(name: N, output: unknown): QueryOutput<N> {
  return QUERIES[name].output.strict().parse(JSON.parse(JSON.stringify(output))) as QueryOutput<N>
}

const envelope = (service: string, at: number) => ({
  id: `${service}/${at}`,
  occurredAt: at,
  receivedAt: at,
  source: 'events',
  service,
  environment: service.slice(0, service.indexOf('/')),
  trace: null,
})

/** An event of run number `run`, applied; its key. */
export function applyRun(state: State, service: string, run: number, at: number, told: object = {}): string {
  const key = `events:${service}/run/${run}`
  const empty = { conclusion: null, repository: null, sha: null, actor: null, trigger: null, pullRequest: null }
  const event = { ...envelope(service, at), ...empty, subject: 'deployment', phase: 'started', key, attempt: 1 }
  const rest = { name: 'deploy', workflow: 'w', branch: 'main', change: null, step: null, links: [], backfilled: false }
  state.doorOf(service).applyDeployment(JSON.stringify({ ...event, ...rest, ...told }), at)
  return key
}

export const FINISHED = { phase: 'finished', conclusion: 'success' } as const
export const STEP = {
  phase: 'step',
  step: { key: 'build', name: 'build', kind: 'job', state: 'completed', conclusion: 'success' },
} as const

export function applyAlert(
  state: State,
  service: string,
  number: number,
  at: number,
  key = `events:${service}/alert/${number}`,
  told: object = {},
): string {
  const texts = { title: 'Slow', severity: 'page', summary: 's', description: 'd', labels: { a: 'b' }, annotations: {} }
  const event = { ...envelope(service, at), phase: 'firing', key, ...texts, startsAt: at, endsAt: null }
  state.doorOf(service).applyIncident(JSON.stringify({ ...event, generatorUrl: null, ...told }), at)
  return key
}
