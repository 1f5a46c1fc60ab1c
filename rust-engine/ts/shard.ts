/** One shard's part of the door. */
import { addon, type EngineBox } from './addon.ts'
import type { ShardDoor } from './door.ts'
import { named, namedError, SharedMemoryRefused } from './errors.ts'
import { readSlices } from './slices.ts'
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
  Page,
  RangesRead,
  ResourceRecord,
  ScoresRead,
  SeriesInfo,
  ServiceRecord,
  SnapshotWritten,
  Upkeep,
} from './records.ts'
import type { Turns } from './turns.ts'

/** The door of a loaded shard; `keyFileOf` names the key for the snapshots of a folder, `turns` are those of large reads. */
export function openShard(
  engine: EngineBox,
  shard: number,
  generation: number,
  keyFileOf: (folder: string) => string,
  turns: Turns,
): ShardDoor {
  return new Shard(engine, shard, generation, keyFileOf, turns)
}

class Shard implements ShardDoor {
  readonly shard: number
  readonly #engine: EngineBox
  readonly #generation: number
  readonly #keyFileOf: (folder: string) => string
  readonly #turns: Turns

  constructor(
    engine: EngineBox,
    shard: number,
    generation: number,
    keyFileOf: (folder: string) => string,
    turns: Turns,
  ) {
    this.shard = shard
    this.#engine = engine
    this.#generation = generation
    this.#keyFileOf = keyFileOf
    this.#turns = turns
  }

  drop(): void {
    named(() => {
      addon.dropShard(this.#engine, this.shard, this.#generation)
    })
  }

  applyDeployment(eventJson: string, at: number): DeploymentApplied {
    return parse(named(() => addon.applyDeployment(this.#engine, this.shard, this.#generation, eventJson, at)))
  }

  attachPrediction(service: string, key: string, attempt: number, prediction: string): boolean {
    return named(() =>
      addon.attachPrediction(this.#engine, this.shard, this.#generation, service, key, attempt, prediction),
    )
  }

  deployment(service: string, key: string): DeploymentRecord | null {
    return this.#deployment(service, key, null)?.record ?? null
  }

  deploymentAt(service: string, key: string, at: number): AsKnown<DeploymentRecord> | null {
    return this.#deployment(service, key, at)
  }

  #deployment(service: string, key: string, at: number | null): AsKnown<DeploymentRecord> | null {
    return parse(named(() => addon.deployment(this.#engine, this.shard, this.#generation, service, key, at)))
  }

  deployments(filter: DeploymentFilter, limit: number, cursor: string | null): Page<DeploymentRecord> {
    const wanted = JSON.stringify(filter)
    return parse(named(() => addon.deployments(this.#engine, this.shard, this.#generation, wanted, limit, cursor)))
  }

  changeOf(service: string, sha: string): DeploymentRecord['change'] {
    return parse(named(() => addon.changeOf(this.#engine, this.shard, this.#generation, service, sha)))
  }

  rollingAdd(scopes: readonly string[], at: number, failed: boolean, durationS: number): void {
    const names = JSON.stringify(scopes)
    named(() => {
      addon.rollingAdd(this.#engine, this.shard, this.#generation, names, at, failed, durationS)
    })
  }

  rollingRead(scopes: readonly string[], at: number, out: Float64Array): void {
    const names = JSON.stringify(scopes)
    const own = notShared('out', out)
    named(() => {
      addon.rollingRead(this.#engine, this.shard, this.#generation, names, at, own)
    })
  }

  bucketsAdd(scope: string, at: number, failed: boolean): void {
    named(() => {
      addon.bucketsAdd(this.#engine, this.shard, this.#generation, scope, at, failed)
    })
  }

  bucketsRead(scope: string, buckets: Buckets, first: number, out: Float64Array): void {
    const own = notShared('out', out)
    named(() => {
      addon.bucketsRead(this.#engine, this.shard, this.#generation, scope, buckets, first, own)
    })
  }

  timingsAdd(scope: string, at: number, row: Float64Array): void {
    const own = notShared('row', row)
    named(() => {
      addon.timingsAdd(this.#engine, this.shard, this.#generation, scope, at, own)
    })
  }

  timingsRead(scope: string, out: Float64Array): number {
    const own = notShared('out', out)
    return named(() => addon.timingsRead(this.#engine, this.shard, this.#generation, scope, own))
  }

  scoreAdd(service: string, subject: DeploymentRecord['subject'], predictionId: string, score: Float64Array): boolean {
    const own = notShared('score', score)
    return named(() => addon.scoreAdd(this.#engine, this.shard, this.#generation, service, subject, predictionId, own))
  }

  scoresRead(
    service: string | null,
    subject: DeploymentRecord['subject'],
    from: number,
    to: number,
    cursor: string | null,
    out: Float64Array,
  ): ScoresRead {
    const own = notShared('out', out)
    return parse(
      named(() =>
        addon.scoresRead(this.#engine, this.shard, this.#generation, service, subject, from, to, cursor, own),
      ),
    )
  }

  applyIncident(eventJson: string, at: number): { readonly changed: boolean; readonly record: IncidentRecord } {
    return parse(named(() => addon.applyIncident(this.#engine, this.shard, this.#generation, eventJson, at)))
  }

  incident(service: string, key: string): IncidentRecord | null {
    return this.#incident(service, key, null)?.record ?? null
  }

  incidentAt(service: string, key: string, at: number): AsKnown<IncidentRecord> | null {
    return this.#incident(service, key, at)
  }

  #incident(service: string, key: string, at: number | null): AsKnown<IncidentRecord> | null {
    return parse(named(() => addon.incident(this.#engine, this.shard, this.#generation, service, key, at)))
  }

  incidentsWithKey(key: string, limit: number): readonly IncidentRecord[] {
    return parse(named(() => addon.incidentsWithKey(this.#engine, this.shard, this.#generation, key, limit)))
  }

  incidents(filter: IncidentFilter, limit: number, cursor: string | null): Page<IncidentRecord> {
    const wanted = JSON.stringify(filter)
    return parse(named(() => addon.incidents(this.#engine, this.shard, this.#generation, wanted, limit, cursor)))
  }

  applyInfrastructure(eventJson: string): { readonly changed: boolean } {
    return { changed: named(() => addon.applyInfrastructure(this.#engine, this.shard, this.#generation, eventJson)) }
  }

  resources(service: string, limit: number): readonly ResourceRecord[] {
    return parse(named(() => addon.resources(this.#engine, this.shard, this.#generation, service, limit)))
  }

  applyMetrics(target: string, service: string, announced: Uint8Array, block: Uint8Array): MetricsApplied {
    const labels = notShared('announced', announced)
    const samples = notShared('block', block)
    return parse(
      named(() => addon.applyMetrics(this.#engine, this.shard, this.#generation, target, service, labels, samples)),
    )
  }

  series(service: string | null, matchers: readonly Matcher[], limit: number, after: string | null): Found<SeriesInfo> {
    const wanted = JSON.stringify(matchers)
    return parse(named(() => addon.series(this.#engine, this.shard, this.#generation, service, wanted, limit, after)))
  }

  labelValues(service: string, name: string, limit: number): Found<string> {
    return parse(named(() => addon.labelValues(this.#engine, this.shard, this.#generation, service, name, limit)))
  }

  range(
    seriesId: string,
    from: number,
    to: number,
    stepMs: number,
    aggregation: Aggregation,
    times: Float64Array,
    values: Float64Array,
  ): number {
    const [at, out] = [notShared('times', times), notShared('values', values)]
    return named(() =>
      addon.range(this.#engine, this.shard, this.#generation, seriesId, from, to, stepMs, aggregation, at, out),
    )
  }

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
  ): boolean {
    const ids = JSON.stringify(seriesIds)
    const [at, out] = [notShared('times', times), notShared('values', values)]
    const filled = notShared('counts', counts)
    const [engine, generation] = [this.#engine, this.#generation]
    const answered = named(() =>
      addon.ranges(engine, this.shard, generation, ids, from, to, stepMs, aggregation, rowsMax, at, out, filled),
    )
    return parse<{ readonly isWhole: boolean }>(answered).isWhole
  }

  readRanges(
    seriesIds: readonly string[],
    from: number,
    to: number,
    stepMs: number,
    aggregation: Aggregation,
    rowsMax: number,
    pointsMax: number,
  ): Promise<RangesRead> {
    return this.#turns.take(() => {
      const ids = JSON.stringify(seriesIds)
      const [engine, generation] = [this.#engine, this.#generation]
      const reading = named(() =>
        addon.beginRanges(engine, this.shard, generation, ids, from, to, stepMs, aggregation, rowsMax, pointsMax),
      )
      return readSlices(engine, reading, seriesIds.length)
    })
  }

  service(service: string): ServiceRecord | null {
    return parse(named(() => addon.service(this.#engine, this.shard, this.#generation, service)))
  }

  services(limit: number, cursor: string | null): Page<ServiceRecord> {
    return parse(named(() => addon.services(this.#engine, this.shard, this.#generation, limit, cursor)))
  }

  dropped(): readonly Dropped[] {
    return parse(named(() => addon.dropped(this.#engine, this.shard, this.#generation)))
  }

  noteGap(kinds: readonly DroppedKind[], until: number): void {
    const names = JSON.stringify(kinds)
    named(() => {
      addon.noteGap(this.#engine, this.shard, this.#generation, names, until)
    })
  }

  stateHash(): string {
    return named(() => addon.stateHash(this.#engine, this.shard, this.#generation))
  }

  async upkeep(): Promise<Upkeep> {
    const working = named(() => addon.upkeep(this.#engine, this.shard, this.#generation))
    return parse(
      await working.catch((error: unknown) => {
        throw namedError(error)
      }),
    )
  }

  async snapshot(
    folder: string,
    writer: string,
    offsets: Readonly<Record<string, string>>,
    clock: number,
  ): Promise<SnapshotWritten> {
    const place = JSON.stringify(offsets)
    const key = this.#keyFileOf(folder)
    const writing = named(() =>
      addon.snapshot(this.#engine, this.shard, this.#generation, folder, writer, place, clock, key),
    )
    return parse(
      await writing.catch((error: unknown) => {
        throw namedError(error)
      }),
    )
  }
}

type MetricsApplied = ReturnType<ShardDoor['applyMetrics']>

// The addon's replies are ours: their shapes are those of records.ts.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the shape at each call
function parse<T>(json: string): T {
  return JSON.parse(json) as T
}

function notShared<A extends Uint8Array | Float64Array>(argument: string, array: A): A {
  if (array.buffer instanceof SharedArrayBuffer) throw new SharedMemoryRefused(argument)
  return array
}
