/** Which metrics a service has, for an asker who did not guess one. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'

const NAMES_MAX = 20

export function noSeries(service: string, shard: Pick<ShardDoor, 'labelValues'>): string {
  const none = 'no series of this service matches'
  const names = shard.labelValues(service, '__name__', NAMES_MAX)
  if (names.items.length === 0) return `${none}: it has none`
  return `${none}; it has ${names.items.join(', ')}${names.truncated ? ', …' : ''}`
}
