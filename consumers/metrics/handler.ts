/** A scrape target's batch goes into the engine as it is: no object is made for a sample. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { MetricBatch } from '../../schemas/generated/events.ts'
import type { Output, Phase, Position } from '../../schemas/outputs.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'

export interface MetricTelemetry {
  samplesApplied(target: string, result: ReturnType<ShardDoor['applyMetrics']>, phase: Phase): void
}

export function createMetricHandler(telemetry: MetricTelemetry) {
  return (event: MetricBatch, _position: Position, shard: ShardDoor, phase: Phase): readonly Output[] => {
    if (event.target === '') throw new InvalidEvent('target', 'is empty')
    const result = shard.applyMetrics(event.target, event.service, event.announced, event.block)
    telemetry.samplesApplied(event.target, result, phase)
    return []
  }
}
