/** The one shard that answers for a service, or the error that says who does. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { QueryContext, ShardView } from './context.ts'
import { restoring, wrongOwner } from './errors.ts'

export interface LiveShard extends ShardView {
  readonly door: ShardDoor
}

export function askedShard(service: string, context: QueryContext): LiveShard {
  const shard = partitionOf(service)
  const view = context.shards().find((own) => own.shard === shard)
  if (view === undefined) {
    const address = context.ownerOf(shard)
    throw address === null ? restoring(shard) : wrongOwner(shard, address)
  }
  if (!isLive(view)) throw restoring(shard)
  return view
}

export function liveShards(views: readonly ShardView[]): readonly LiveShard[] {
  return views.filter(isLive)
}

const isLive = (view: ShardView): view is LiveShard => view.state === 'live' && view.door !== null

/** Shards that a list asks: the service's own, or all of this process. */
export function listedShards(service: string | undefined, context: QueryContext): readonly ShardView[] {
  return service === undefined ? context.shards() : [askedShard(service, context)]
}
