/** Which metrics a service has, for an asker who did not guess one. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'

const NAMES_MAX = 20
/** Of a service with more, some names may not be seen. */
const SERIES_READ_MAX = 1000

export function noSeries(service: string, shard: Pick<ShardDoor, 'series'>): string {
  const none = 'no series of this service matches'
  const names = new Set(shard.series(service, [], SERIES_READ_MAX).flatMap(({ labels }) => labels['__name__'] ?? []))
  if (names.size === 0) return `${none}: it has none`
  const shown = [...names].sort().slice(0, NAMES_MAX)
  return `${none}; it has ${shown.join(', ')}${names.size > NAMES_MAX ? ', …' : ''}`
}
