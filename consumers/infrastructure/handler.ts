/** State of a workload, node, quota or cloud resource: the engine keeps the newest by occurredAt. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { InfrastructureEvent } from '../../schemas/generated/events.ts'
import type { Output } from '../../schemas/outputs.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'

export function handleInfrastructure(
  event: InfrastructureEvent,
  _position: unknown,
  shard: ShardDoor,
): readonly Output[] {
  if (event.resource === '') throw new InvalidEvent('resource', 'is empty')
  for (const [name, quantity] of Object.entries(event.quantities)) {
    if (!Number.isFinite(quantity)) throw new InvalidEvent(`quantities.${name}`, 'is not a finite number')
  }
  shard.applyInfrastructure(JSON.stringify(event))
  return []
}
