import { POOL } from '../../schemas/queries/answer.ts'
import type { Query, ShardView } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { timeText } from './summaries.ts'

export const getHealth: Query<'get_health'> = (_input, context) => {
  const views = context.shards()
  return {
    status: statusOf(views, context.isInTouch()),
    memoryAlert: context.alertLevelOf(POOL),
    shards: views.map(({ shard, state, lagRecords, clock }) => ({
      shard,
      state,
      lagRecords: state === 'live' ? lagRecords : null,
      clock: timeText(clock),
    })),
    models: context.models(),
    targets: context.targets(),
    ...freshnessOf(views, context.isInTouch()),
  }
}

/** A process without shards is in good health: others have them all. */
function statusOf(views: readonly ShardView[], isInTouch: boolean): 'ok' | 'degraded' | 'down' {
  const live = views.filter(({ state }) => state === 'live').length
  if (views.length > 0 && live === 0) return 'down'
  return live === views.length && isInTouch ? 'ok' : 'degraded'
}
