/** The addon's functions, as rust-engine/crates/bridge exports them: JSON text for control, the caller's arrays for data. */
import { createRequire } from 'node:module'

declare const engineMark: unique symbol
declare const decoderMark: unique symbol
declare const readingMark: unique symbol
export interface EngineBox {
  readonly [engineMark]: true
}
export interface DecoderBox {
  readonly [decoderMark]: true
}
/** A query that is read in slices. */
export interface ReadingBox {
  readonly [readingMark]: true
}

export interface Addon {
  open(options: string): EngineBox
  memory(engine: EngineBox): string
  survey(engine: EngineBox, pagesMax: number): number
  releaseIdle(engine: EngineBox): number
  createShard(engine: EngineBox, shard: number): number
  dropShard(engine: EngineBox, shard: number, generation: number): void
  clean(engine: EngineBox, budgetMs: number): boolean
  dropped(engine: EngineBox, shard: number, generation: number): string
  noteGap(engine: EngineBox, shard: number, generation: number, kinds: string, until: number): void
  stateHash(engine: EngineBox, shard: number, generation: number): string
  snapshot(
    engine: EngineBox,
    shard: number,
    generation: number,
    folder: string,
    writer: string,
    offsets: string,
    clock: number,
    keyFile: string,
  ): Promise<string>
  upkeep(engine: EngineBox, shard: number, generation: number): Promise<string>
  restoreShard(engine: EngineBox, shard: number, folder: string, committed: string, keyFile: string): Promise<string>

  applyDeployment(engine: EngineBox, shard: number, generation: number, event: string, at: number): string
  attachPrediction(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string,
    key: string,
    attempt: number,
    prediction: string,
  ): boolean
  deployment(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string,
    key: string,
    at: number | null,
  ): string
  deployments(
    engine: EngineBox,
    shard: number,
    generation: number,
    filter: string,
    limit: number,
    cursor: string | null,
  ): string
  changeOf(engine: EngineBox, shard: number, generation: number, service: string, sha: string): string
  rollingAdd(
    engine: EngineBox,
    shard: number,
    generation: number,
    scopes: string,
    at: number,
    failed: boolean,
    durationS: number,
  ): void
  rollingRead(engine: EngineBox, shard: number, generation: number, scopes: string, at: number, out: Float64Array): void

  bucketsAdd(engine: EngineBox, shard: number, generation: number, scope: string, at: number, failed: boolean): void
  bucketsRead(
    engine: EngineBox,
    shard: number,
    generation: number,
    scope: string,
    buckets: string,
    first: number,
    out: Float64Array,
  ): void

  applyIncident(engine: EngineBox, shard: number, generation: number, event: string, at: number): string
  incident(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string,
    key: string,
    at: number | null,
  ): string
  incidentsWithKey(engine: EngineBox, shard: number, generation: number, key: string, limit: number): string
  incidents(
    engine: EngineBox,
    shard: number,
    generation: number,
    filter: string,
    limit: number,
    cursor: string | null,
  ): string

  applyInfrastructure(engine: EngineBox, shard: number, generation: number, event: string): boolean
  resources(engine: EngineBox, shard: number, generation: number, service: string, limit: number): string
  service(engine: EngineBox, shard: number, generation: number, service: string): string
  services(engine: EngineBox, shard: number, generation: number, limit: number, cursor: string | null): string

  applyMetrics(
    engine: EngineBox,
    shard: number,
    generation: number,
    target: string,
    service: string,
    announced: Uint8Array,
    block: Uint8Array,
  ): string
  series(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string | null,
    matchers: string,
    limit: number,
    after: string | null,
  ): string
  labelValues(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string,
    name: string,
    limit: number,
  ): string
  range(
    engine: EngineBox,
    shard: number,
    generation: number,
    seriesId: string,
    from: number,
    to: number,
    stepMs: number,
    aggregation: string,
    times: Float64Array,
    values: Float64Array,
  ): number
  ranges(
    engine: EngineBox,
    shard: number,
    generation: number,
    seriesIds: string,
    from: number,
    to: number,
    stepMs: number,
    aggregation: string,
    rowsMax: number,
    times: Float64Array,
    values: Float64Array,
    counts: Float64Array,
  ): string
  beginRanges(
    engine: EngineBox,
    shard: number,
    generation: number,
    seriesIds: string,
    from: number,
    to: number,
    stepMs: number,
    aggregation: string,
    rowsMax: number,
    pointsMax: number,
  ): ReadingBox
  /** JSON of what was read, and times and values of all its points. */
  nextRanges(engine: EngineBox, reading: ReadingBox): Promise<readonly [string, ArrayBuffer, ArrayBuffer]>

  scoreAdd(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string,
    subject: string,
    predictionId: string,
    score: Float64Array,
  ): boolean
  scoresRead(
    engine: EngineBox,
    shard: number,
    generation: number,
    service: string | null,
    subject: string,
    from: number,
    to: number,
    cursor: string | null,
    out: Float64Array,
  ): string

  timingsAdd(engine: EngineBox, shard: number, generation: number, scope: string, at: number, row: Float64Array): void
  timingsRead(engine: EngineBox, shard: number, generation: number, scope: string, out: Float64Array): number

  openRemoteWrite(limits: string): DecoderBox
  /** JSON of the batches, and their bytes in one buffer. */
  decodeRemoteWrite(decoder: DecoderBox, body: Uint8Array, nowMs: number): readonly [string, ArrayBuffer, number]
  forgetTarget(decoder: DecoderBox, target: string): void
}

export const addon = createRequire(import.meta.url)('../index.node') as Addon
