/** What applies an event to a shard. main.ts passes one function for each input topic; the pipeline knows none of them. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type {
  DeploymentEvent,
  IncidentEvent,
  InfrastructureEvent,
  LedgerEntry,
  MetricBatch,
  Signal,
  Tick,
} from '../../schemas/generated/events.ts'
import type { Output, Phase, Position } from '../../schemas/outputs.ts'

/** Synchronous; throws InvalidEvent for an event that can't be applied. In phase `replay` its outputs are dropped. */
export type Handler<Event> = (event: Event, position: Position, shard: ShardDoor, phase: Phase) => readonly Output[]

export interface Handlers {
  readonly 'devops.deployments': Handler<DeploymentEvent>
  readonly 'devops.metrics': Handler<MetricBatch>
  readonly 'devops.incidents': Handler<IncidentEvent>
  readonly 'devops.infrastructure': Handler<InfrastructureEvent>
  readonly 'devops.signals': Handler<Signal>
  readonly 'devops.ticks': Handler<Tick>
}
export type InputTopic = keyof Handlers

/** Gives a running attempt its headline prediction back, after the attempt was rebuilt. */
export type Reattach = (entry: LedgerEntry, shard: ShardDoor) => void

/** Gives the state what a closed prediction told, which no replay tells again; harmless where it is known. */
export type Rescore = (entry: LedgerEntry, shard: ShardDoor) => void
