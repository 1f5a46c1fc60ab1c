import type { ComponentReport, MemoryReport } from '../../rust-engine/ts/records.ts'
import { POOL } from '../../schemas/queries/answer.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'

interface Held {
  readonly pages: number
  readonly liveBytes: number
}

export const getMemory: Query<'get_memory'> = (_input, context) => {
  const report = context.memory()
  const { poolBytes, usedBytes, utilization, idleBytes, regions, dropped, shards, components, pageBytes } = report
  const fragmentation = ({ pages, liveBytes }: Held): number | null =>
    pages === 0 ? null : Math.max(0, 1 - liveBytes / (pages * pageBytes))
  const heldBy = (is: (component: ComponentReport) => boolean): Held => sumOf(components.filter(is))
  return {
    poolBytes,
    usedBytes,
    utilization,
    idleBytes,
    alert: context.alertLevelOf(POOL),
    regions: regions.map((region) => ({
      ...region,
      fragmentation: fragmentation(heldBy((component) => component.region === region.region)),
      alert: context.alertLevelOf(region.region),
    })),
    dropped: dropped.filter(({ records }) => records > 0),
    shards: shards.map(({ shard, pages }) => {
      const held = heldBy((component) => component.shard === shard)
      return { shard, pages, fragmentation: fragmentation(held) }
    }),
    components: byComponent(report).map(({ region, component, ...held }) => ({
      region,
      component,
      ...held,
      fragmentation: fragmentation(held),
    })),
    ...freshnessOf(context.shards(), context.isInTouch()),
  }
}

function sumOf(parts: readonly Held[]): Held {
  return parts.reduce(
    (sum, { pages, liveBytes }) => ({ pages: sum.pages + pages, liveBytes: sum.liveBytes + liveBytes }),
    { pages: 0, liveBytes: 0 },
  )
}

/** Those of all shards together, largest first. */
function byComponent({ components }: MemoryReport): Omit<ComponentReport, 'shard'>[] {
  const groups = Map.groupBy(components, ({ region, component }) => `${region} ${component}`)
  const sums = [...groups.values()].flatMap((group) => {
    const first = group[0]
    return first === undefined ? [] : [{ region: first.region, component: first.component, ...sumOf(group) }]
  })
  return sums.sort((a, b) => b.pages - a.pages || b.liveBytes - a.liveBytes)
}
