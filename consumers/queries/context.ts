/** What a query may ask for. main.ts fills it in; a query knows neither the pipeline nor the models' folders. */
import type { Environment } from '../../runtime/configuration/schema.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentRecord, MemoryReport } from '../../rust-engine/ts/records.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import type { PatternSet, SubjectRow } from '../patterns/patternSet.ts'
import type { Backtest, BacktestMemory } from './backtestMemory.ts'
import type { AlertLevel } from '../../schemas/queries/answer.ts'
import type { QueryInput, QueryName, QueryOutput } from '../../schemas/queries/queries.ts'

/** A shard of this process, as queries see it. */
export interface ShardView {
  readonly shard: number
  readonly state: 'live' | 'restoring' | 'lost'
  /** Null unless live. */
  readonly door: ShardDoor | null
  readonly clock: number | null
  readonly freshThrough: number | null
  readonly lagRecords: number
  /** What is missing in its state for good, null when nothing. */
  readonly gap: string | null
}

export interface Hours {
  readonly p10: Float64Array
  readonly p50: Float64Array
  readonly p90: Float64Array
  readonly seasonalNaive: Float64Array
}

export interface CapacityForecaster {
  readonly version: string
  /** `hourly`: means, oldest first, NaN = gap. */
  forecast(hourly: Float64Array, firstHourMs: number, steps?: number): Hours
  backtest(hourly: Float64Array): Backtest
}

type Fresh = 'freshThrough' | 'complete' | 'incompleteReason' | 'completeSince'

export interface QueryContext {
  /** The shards that the group gave to this process. */
  shards(): readonly ShardView[]
  /** Base URL of the process that owns a shard, null when nobody says so. */
  ownerOf(shard: number): string | null
  /** False: the group may have given these shards to another process meanwhile. */
  isInTouch(): boolean
  /** Those of the configuration: their tiers, and the aliases that a question may name them by. */
  readonly environments: readonly Environment[]
  /** Whether the catalog maps a name that was heard of under `unassigned:` until then. */
  isMappedByNow(sourceName: string, lastEventAt: number): boolean
  now(): number
  memory(): MemoryReport
  /** Of a region, or of the whole `pool`. */
  alertLevelOf(region: string): AlertLevel
  ask(
    input: QueryInput<'predict_deployment'>,
    shard: ShardDoor,
    now: number,
  ): { readonly output: Omit<QueryOutput<'predict_deployment'>, Fresh>; readonly entry: LedgerEntry }
  /** Keeps an answer in the ledger as asked; never fails the answer. */
  keepAsked(entry: LedgerEntry): void
  /** Null before there is a model. */
  forecaster(): CapacityForecaster | null
  readonly backtests: BacktestMemory
  /** Null for a record without an outcome that counts. */
  patternRow(record: DeploymentRecord, shard: ShardDoor): SubjectRow | null
  /** IANA zone of a service. */
  zoneOf(service: string): string
  /** Null before the first were mined. */
  patterns(): PatternSet | null
  /** learning.training.min_samples */
  readonly minSamples: number
  models(): QueryOutput<'get_health'>['models']
  targets(): QueryOutput<'get_health'>['targets']
}

/** Refuses wrong input by throwing; a promise where the work goes on beside the event loop. */
export type Query<N extends QueryName> = (
  input: QueryInput<N>,
  context: QueryContext,
) => QueryOutput<N> | Promise<QueryOutput<N>>
