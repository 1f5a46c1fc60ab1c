/** A shard as those see it who ask it. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { OwnedShard } from './ownedShard.ts'

export interface ShardView {
  readonly shard: number
  readonly state: 'live' | 'restoring' | 'lost'
  readonly door: ShardDoor | null
  readonly clock: number | null
  readonly freshThrough: number | null
  readonly lagRecords: number
  readonly gap: string | null
}

export function viewOf(owned: OwnedShard): ShardView {
  const isLive = owned.state === 'live'
  return {
    shard: owned.shard,
    state: isLive ? 'live' : owned.isLost ? 'lost' : 'restoring',
    door: isLive ? owned.door : null,
    clock: owned.clock === 0 ? null : owned.clock,
    freshThrough: owned.freshThrough(),
    lagRecords: owned.lagRecords(),
    gap: gapText(owned),
  }
}

function gapText({ gaps }: OwnedShard): string | null {
  if (gaps.length === 0) return null
  return gaps.map(({ topic, from, to }) => `offsets ${from} to ${to - 1n} of ${topic} are gone`).join(', ')
}
