import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'

export const getMemory: Query<'get_memory'> = (_input, context) => {
  const { poolBytes, usedBytes, utilization, regions, shards } = context.memory()
  return {
    poolBytes,
    usedBytes,
    utilization,
    regions: regions.map((region) => ({ ...region })),
    shards: shards.map((shard) => ({ ...shard })),
    ...freshnessOf(context.shards(), context.isInTouch()),
  }
}
