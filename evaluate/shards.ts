import type { ShardDoor } from '../rust-engine/ts/door.ts'
import { openEngine } from '../rust-engine/ts/engine.ts'
import { SHARDS } from '../schemas/topics.ts'

const MIB = 1024 ** 2

/** The pool and quotas of a new installation. */
export function openShards(): (partition: number) => ShardDoor {
  const quotaBytes = {
    infrastructure_state: 1024 * MIB,
    deployment_history: 512 * MIB,
    incident_database: 256 * MIB,
    active_operations: 256 * MIB,
  }
  const engine = openEngine({ poolBytes: 2048 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS })
  const shards = Array.from({ length: SHARDS }, (_, shard) => engine.createShard(shard))
  return (partition) => {
    const shard = shards[partition]
    if (shard === undefined) throw new RangeError(`shard ${partition} of ${SHARDS}`)
    return shard
  }
}
