/** Sends what was read from files; one bad item costs only itself. */
import { inBatches } from '../connect/batches.ts'
import type { Delivery, Item } from '../connect/delivery.ts'
import { GatewayFailure, type GatewayDoor } from '../connect/gatewayDoor.ts'
import { inEventOrder } from '../connect/inEventOrder.ts'
import type { Progress } from '../connect/progress.ts'
import { Tally } from '../connect/tally.ts'
import type { Findings } from './findings.ts'
import type { PlacedEvent } from './jsonLines.ts'

export interface Sending {
  readonly door: Pick<GatewayDoor, 'deliver' | 'post'>
  readonly findings: Findings
  readonly itemsPerRequest: number
  readonly progress: Progress
}

export async function sendItems(
  provider: string,
  items: readonly Item[],
  whereOf: (delivery: Delivery) => string,
  { door, findings, itemsPerRequest, progress }: Sending,
): Promise<Tally> {
  const tally = new Tally()
  const failed = (_: Item, error: unknown): never => {
    throw error
  }
  let waiting: Delivery[] = []
  const send = async (): Promise<void> => {
    for (const batch of inBatches(waiting, itemsPerRequest)) {
      const answer = await door.deliver(provider, batch)
      tally.add(batch, answer)
      for (const { index, field, reason } of answer.refused) {
        const delivery = batch[index]
        findings.add(delivery === undefined ? '' : whereOf(delivery), field, reason)
      }
    }
    waiting = []
  }
  for await (const merged of inEventOrder(items, 1, failed)) {
    waiting.push(...merged.deliveries)
    if (waiting.length >= itemsPerRequest) await send()
    progress.done(merged.items)
  }
  await send()
  return tally
}

/** Gives how many were accepted. */
export async function sendEvents(
  file: string,
  events: AsyncIterable<PlacedEvent>,
  { door, findings, itemsPerRequest, progress }: Sending,
): Promise<number> {
  let accepted = 0
  let done = 0
  const send = async (batch: readonly PlacedEvent[]): Promise<void> => {
    if (batch.length === 0) return
    try {
      const body = batch.map(({ event }) => asHistory(event))
      await door.post('/v1/events', body)
      accepted += batch.length
    } catch (error) {
      if (!(error instanceof GatewayFailure) || (error.status !== 400 && error.status !== 413)) throw error
      await sendWithout(batch, error)
    }
  }
  /** All are accepted or none, so what is at fault is told and left out. */
  const sendWithout = async (batch: readonly PlacedEvent[], error: GatewayFailure): Promise<void> => {
    const bad = new Set(error.problems.map(({ index }) => index))
    for (const { index, field, reason } of error.problems)
      findings.add(`${file}:${batch[index]?.line ?? 0}`, field, reason)
    const [only] = batch
    if (bad.size > 0) await send(batch.filter((_, index) => !bad.has(index)))
    else if (batch.length === 1 && only !== undefined) findings.add(`${file}:${only.line}`, '', error.message)
    else {
      const half = Math.ceil(batch.length / 2)
      await send(batch.slice(0, half))
      await send(batch.slice(half))
    }
  }
  const flush = async (waiting: readonly PlacedEvent[]): Promise<void> => {
    for (const batch of inBatches(waiting, itemsPerRequest)) await send(batch)
    done += waiting.length
    progress.done(done)
  }
  let waiting: PlacedEvent[] = []
  for await (const placed of events) {
    waiting.push(placed)
    if (waiting.length < itemsPerRequest) continue
    await flush(waiting)
    waiting = []
  }
  await flush(waiting)
  return accepted
}

/** A line that does not say otherwise is history: it trains, and moves no live score. */
const asHistory = (event: PlacedEvent['event']): object =>
  event['type'] === 'deployment' && !('backfilled' in event) ? { ...event, backfilled: true } : event
