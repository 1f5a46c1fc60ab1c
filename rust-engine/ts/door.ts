/**
 * What TypeScript may ask of the engine. engine.ts implements it over the Neon addon and is the only file that loads it.
 * Calls are synchronous and take microseconds where no promise is returned. Errors: errors.ts.
 */
import type {
  Aggregation,
  AsKnown,
  Buckets,
  DeploymentApplied,
  DeploymentFilter,
  DeploymentRecord,
  Dropped,
  DroppedKind,
  Found,
  IncidentFilter,
  IncidentRecord,
  Matcher,
  MemoryReport,
  Page,
  RangesRead,
  ResourceRecord,
  ScoresRead,
  SeriesInfo,
  ServiceRecord,
  SnapshotInfo,
  SnapshotWritten,
  Upkeep,
} from './records.ts'

export interface EngineDoor {
  memory(): MemoryReport
  /**
   * Drops what is worth least until every region has its reserve of free pages, or for about `budgetMs`. True: there is
   * more to do.
   */
  clean(budgetMs: number): boolean
  /**
   * Looks at some more pages for `memory().components`, to the end of a shard at most; to be called again and again. How
   * many it looked at: some 2 µs each.
   */
  survey(pagesMax: number): number
  /**
   * Gives the memory of free pages (`idleBytes`) back to the system when none was taken or given back since the last call;
   * to be called now and then. How many bytes.
   */
  releaseIdle(): number
  /** A new empty shard; an error `ShardLoaded` when it is loaded already. */
  createShard(shard: number): ShardDoor
  /**
   * Restores a shard from the newest usable snapshot in `folder` of which no offset is above `committed`
   * (topic → next offset, decimal text; a topic missing in `committed` counts as 0). Shard null when there is none.
   * All of it is read and checked on another thread before anybody makes room; then it is read again and installed between
   * other work, 0.5 MiB at a time, and the shard is there when all of it has come. Other shards make room for it as for an
   * event; it gives way to events that find no other room. What was skipped is named with its reason in `refused`, also
   * then: damaged, ahead, or larger than what can be had.
   */
  restoreShard(shard: number, folder: string, committed: Readonly<Record<string, string>>): Promise<RestoredShard>
}

export type RestoredShard = { readonly refused: readonly string[] } & (
  { readonly shard: ShardDoor; readonly info: SnapshotInfo } | { readonly shard: null; readonly info: null }
)

export interface ShardDoor {
  readonly shard: number
  /** Gives all its pages back; any later call on the handle throws `ShardGone`. */
  drop(): void

  /** The event is the JSON of schemas DeploymentEvent. Monotone, idempotent. `at`: when the log had it (LogAppendTime). */
  applyDeployment(eventJson: string, at: number): DeploymentApplied
  /** Keeps `prediction` (opaque text, ≤ 4 KiB) with an attempt that waits for its end; false when it is closed or unknown. */
  attachPrediction(service: string, key: string, attempt: number, prediction: string): boolean
  /** Sources count each on their own: a key names a record within one service. */
  deployment(service: string, key: string): DeploymentRecord | null
  /** As the log had told it until `at`; null when nobody had heard of it then. Without its prediction. */
  deploymentAt(service: string, key: string, at: number): AsKnown<DeploymentRecord> | null
  deployments(filter: DeploymentFilter, limit: number, cursor: string | null): Page<DeploymentRecord>
  /** Size of the change with this commit (from subject `change` events of the service), null when unknown. */
  changeOf(service: string, sha: string): DeploymentRecord['change']

  /** Adds one outcome to each scope (free text keys such as `ci_run|prod/shop|branch=main`). Duration NaN = unknown. */
  rollingAdd(scopes: readonly string[], at: number, failed: boolean, durationS: number): void
  /** Writes ROLLING_WIDTH numbers for each scope into `out`, as seen at `at`; an unknown scope gives count 0 and NaNs. */
  rollingRead(scopes: readonly string[], at: number, out: Float64Array): void

  /** Counts one outcome of a scope by the time of its event, however late it comes. */
  bucketsAdd(scope: string, at: number, failed: boolean): void
  /** Writes finished and failed of each bucket from `first` on into `out`, two numbers each; 0 where nothing is known. */
  bucketsRead(scope: string, buckets: Buckets, first: number, out: Float64Array): void

  /** Keeps a row of at most 64 numbers, in 32 bits each, with the newest TIMINGS_MAX of the scope; all are equally long. */
  timingsAdd(scope: string, at: number, row: Float64Array): void
  /** Writes the rows of a scope into `out`, newest first, as many as it has room for; returns how many. */
  timingsRead(scope: string, out: Float64Array): number

  /** Keeps the score (SCORE_WIDTH numbers) of a closed prediction; false when it is known already, then nothing changes. */
  scoreAdd(service: string, subject: DeploymentRecord['subject'], predictionId: string, score: Float64Array): boolean
  /**
   * Writes scores with outcomes in [from, to), of a service or of all, into `out`: by service, each oldest first, as many
   * rows as it has room for. One call looks at 2,000 at most: it may write few and still have a cursor.
   */
  scoresRead(
    service: string | null,
    subject: DeploymentRecord['subject'],
    from: number,
    to: number,
    cursor: string | null,
    out: Float64Array,
  ): ScoresRead

  /** JSON of schemas IncidentEvent. `at`: when the log had it (LogAppendTime). */
  applyIncident(eventJson: string, at: number): { readonly changed: boolean; readonly record: IncidentRecord }
  incident(service: string, key: string): IncidentRecord | null
  /** As the log had told it until `at`; null when nobody had heard of it then. */
  incidentAt(service: string, key: string, at: number): AsKnown<IncidentRecord> | null
  /** One for each service that has an incident with this key, open ones first. */
  incidentsWithKey(key: string, limit: number): readonly IncidentRecord[]
  incidents(filter: IncidentFilter, limit: number, cursor: string | null): Page<IncidentRecord>

  /** JSON of schemas InfrastructureEvent. */
  applyInfrastructure(eventJson: string): { readonly changed: boolean }
  resources(service: string, limit: number): readonly ResourceRecord[]

  /** One MetricBatch: bytes made by remoteWrite.ts. Series that were never announced are counted, kept by hash, and named once announced. */
  applyMetrics(
    target: string,
    service: string,
    announced: Uint8Array,
    block: Uint8Array,
  ): {
    readonly applied: number
    readonly duplicates: number
    readonly outOfOrder: number
    readonly unannounced: number
  }
  /**
   * Series that fit all matchers (at most 32), of a service or of all, in the order of their ids; `after`: those behind this
   * id. A series whose labels are not known yet fits only where there is no matcher. `RecordInvalid` names the matcher that is
   * wrong (`matchers.0.value`), also when more than 100,000 values of its label would have to be tried.
   */
  series(service: string | null, matchers: readonly Matcher[], limit: number, after: string | null): Found<SeriesInfo>
  /** The values that series of a service have for a label, in order. */
  labelValues(service: string, name: string, limit: number): Found<string>
  /**
   * Steps of [from, to) of one series: writes step starts to `times` (ms) and values to `values`; returns how many.
   * Steps without samples are left out. step 0 = raw samples, `aggregation` is then ignored.
   */
  range(
    seriesId: string,
    from: number,
    to: number,
    stepMs: number,
    aggregation: Aggregation,
    times: Float64Array,
    values: Float64Array,
  ): number
  /**
   * `range` of several series, each into its equal share of `times` and `values`, and how many into `counts`. False: more
   * than `rowsMax` rows would have had to be read, so that points are missing.
   */
  ranges(
    seriesIds: readonly string[],
    from: number,
    to: number,
    stepMs: number,
    aggregation: Aggregation,
    rowsMax: number,
    times: Float64Array,
    values: Float64Array,
    counts: Float64Array,
  ): boolean
  /**
   * `ranges` for queries of any size, with at most `pointsMax` points (1,000,000) of each series: what is read is taken out of the pages
   * between other work, some 0.5 MiB at a time, and computed on another thread. Each series is as it was at one moment, not
   * all of them at the same. Two of these run at once for an engine, others wait for their turn: `ReadsBusy` when 64 do.
   */
  readRanges(
    seriesIds: readonly string[],
    from: number,
    to: number,
    stepMs: number,
    aggregation: Aggregation,
    rowsMax: number,
    pointsMax: number,
  ): Promise<RangesRead>

  service(service: string): ServiceRecord | null
  services(limit: number, cursor: string | null): Page<ServiceRecord>

  /** What it dropped of every kind to make room, and since when it is whole. */
  dropped(): readonly Dropped[]
  /** Notes that the log did not bring all of these kinds up to a time: it counts as if that were dropped. */
  noteGap(kinds: readonly DroppedKind[], until: number): void

  /** Digest of the whole state: equal for equal logs as long as nothing was dropped, whatever the upkeep has done. */
  stateHash(): string
  /**
   * Does one piece of work that can wait, such as merging sealed chunks of samples: it runs on another thread and is
   * installed in less than a millisecond. What the shard keeps stays the same. A shard may be dropped meanwhile.
   */
  upkeep(): Promise<Upkeep>
  /**
   * Writes a snapshot; state as at the call. Pages changed since the one before (of this writer, in this folder) are
   * copied between other work, at most 0.5 MiB at a time, and written on another thread; a change that meets 16 MiB of
   * unwritten copies waits. One at a time for each engine: `SnapshotRunning`. `offsets`: topic → next offset to apply.
   * `writer`: unique for each process, part of the file names. Durable when the promise resolves.
   */
  snapshot(
    folder: string,
    writer: string,
    offsets: Readonly<Record<string, string>>,
    clock: number,
  ): Promise<SnapshotWritten>
}
