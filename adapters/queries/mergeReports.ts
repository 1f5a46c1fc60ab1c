/** Joins what several owners report of themselves into one report of the whole. */
import { ALERT_LEVELS } from '../../schemas/queries/answer.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import type { Absence, Freshness } from './freshness.ts'

type Memory = QueryOutput<'get_memory'>
type Health = QueryOutput<'get_health'>

export function joinMemory(parts: readonly Memory[], freshness: Freshness): Memory {
  const regions = new Map<string, Memory['regions'][number]>()
  for (const part of parts) {
    for (const region of part.regions) {
      const sum = regions.get(region.region)
      regions.set(region.region, sum === undefined ? region : addRegions(sum, region))
    }
  }
  const poolBytes = sumOf(parts, (part) => part.poolBytes)
  const usedBytes = sumOf(parts, (part) => part.usedBytes)
  return {
    poolBytes,
    usedBytes,
    utilization: poolBytes === 0 ? 0 : usedBytes / poolBytes,
    idleBytes: sumOf(parts, (part) => part.idleBytes),
    alert: worst(parts.map((part) => part.alert)),
    regions: [...regions.values()],
    dropped: joinDropped(parts.flatMap((part) => part.dropped)),
    shards: parts.flatMap((part) => part.shards).sort((a, b) => a.shard - b.shard),
    components: joinComponents(parts.flatMap((part) => part.components)),
    ...freshness,
  }
}

type Dropped = Memory['dropped'][number]

function joinDropped(all: readonly Dropped[]): Dropped[] {
  const kinds = Map.groupBy(all, ({ region, kind }) => `${region} ${kind}`)
  return [...kinds.values()].flatMap((ofKind) => {
    const [first] = ofKind
    return first === undefined ? [] : [{ ...first, records: sumOf(ofKind, ({ records }) => records) }]
  })
}

type Component = Memory['components'][number]

function joinComponents(components: readonly Component[]): Component[] {
  const joined = new Map<string, Component>()
  for (const component of components) {
    const key = `${component.region} ${component.component}`
    const sum = joined.get(key)
    joined.set(key, sum === undefined ? component : addComponents(sum, component))
  }
  return [...joined.values()].sort((a, b) => b.pages - a.pages)
}

const addComponents = (a: Component, b: Component): Component => ({
  ...a,
  pages: a.pages + b.pages,
  liveBytes: a.liveBytes + b.liveBytes,
  fragmentation: weighted([a.fragmentation, a.pages], [b.fragmentation, b.pages]),
})

/** Mean of what is known, by pages or bytes. */
function weighted(...shares: readonly (readonly [share: number | null, weight: number])[]): number | null {
  const known = shares.flatMap(([share, weight]) => (share === null ? [] : [{ share, weight }]))
  const total = known.reduce((sum, { weight }) => sum + weight, 0)
  return total === 0 ? null : known.reduce((sum, { share, weight }) => sum + share * weight, 0) / total
}

const worst = (alerts: readonly string[]): string =>
  ALERT_LEVELS.findLast((level) => alerts.includes(level)) ?? ALERT_LEVELS[0]

type Region = Memory['regions'][number]

function addRegions(a: Region, b: Region): Region {
  return {
    region: a.region,
    quotaBytes: a.quotaBytes + b.quotaBytes,
    usedBytes: a.usedBytes + b.usedBytes,
    borrowedBytes: a.borrowedBytes + b.borrowedBytes,
    lentBytes: a.lentBytes + b.lentBytes,
    freeBytes: a.freeBytes + b.freeBytes,
    evicted: a.evicted + b.evicted,
    fragmentation: weighted([a.fragmentation, a.usedBytes], [b.fragmentation, b.usedBytes]),
    alert: worst([a.alert, b.alert]),
  }
}

function sumOf<Part>(parts: readonly Part[], of: (part: Part) => number): number {
  return parts.reduce((sum, part) => sum + of(part), 0)
}

/** `unowned`: shards that nobody has, besides those of the absent owners. */
export function joinHealth(
  parts: readonly Health[],
  absences: readonly Absence[],
  unowned: readonly number[],
  freshness: Freshness,
): Health {
  const reported = parts.flatMap((part) => part.shards)
  const known = new Set(reported.map((shard) => shard.shard))
  const lost = [...new Set([...absences.flatMap((absence) => absence.shards), ...unowned])]
    .filter((shard) => !known.has(shard))
    .map((shard) => ({ shard, state: 'lost' as const, lagRecords: null, clock: null }))
  return {
    status: statusOf(parts, lost.length),
    memoryAlert: worst(parts.map((part) => part.memoryAlert)),
    shards: [...reported, ...lost].sort((a, b) => a.shard - b.shard),
    models: joinModels(parts.flatMap((part) => part.models)),
    targets: joinTargets(parts.flatMap((part) => part.targets)),
    ...freshness,
  }
}

function statusOf(parts: readonly Health[], lostShards: number): Health['status'] {
  if (parts.length === 0 || parts.every((part) => part.status === 'down')) return 'down'
  return lostShards === 0 && parts.every((part) => part.status === 'ok') ? 'ok' : 'degraded'
}

type Model = Health['models'][number]

/** Consumers follow the same models; while one of them is behind, both versions are told. */
function joinModels(models: readonly Model[]): Model[] {
  const byVersion = new Map(models.map((model) => [`${model.model} ${model.stage} ${model.version}`, model]))
  return [...byVersion.values()].sort((a, b) => (a.model < b.model ? -1 : 1))
}

type Target = Health['targets'][number]

/** The slowest owner's figure stands for the whole. */
function joinTargets(targets: readonly Target[]): Target[] {
  const byName = new Map<string, Target>()
  for (const target of targets) {
    const worst = byName.get(target.name)
    if (worst === undefined || (target.p99Ms ?? -1) > (worst.p99Ms ?? -1)) byName.set(target.name, target)
  }
  return [...byName.values()]
}
