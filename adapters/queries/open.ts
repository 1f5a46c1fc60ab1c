/** Puts the parts of the query client together over the process's clock and network. */
import { setTimeout as delay } from 'node:timers/promises'
import type { AdapterTelemetry } from '../telemetry.ts'
import { createQueryClient, type QueryClient } from './client.ts'
import { createCourier } from './courier.ts'
import { createDirectory, type Directory } from './directory.ts'
import { Cancelled } from './errors.ts'
import type { QueryLimits } from './limits.ts'
import { createOwnerRequests } from './ownerRequest.ts'

export interface Queries {
  readonly client: QueryClient
  readonly directory: Directory
}

export function openQueries(
  seeds: readonly string[],
  telemetry: Pick<AdapterTelemetry, 'ownerReplied' | 'membershipLearnt'>,
  limits: QueryLimits,
): Queries {
  const now = (): number => performance.now()
  const requests = createOwnerRequests(fetch, limits)
  const directory = createDirectory({ seeds, requests, now, limits, learnt: telemetry.membershipLearnt })
  const courier = createCourier({ directory, requests, limits, now, sleep, asked: telemetry.ownerReplied })
  return { client: createQueryClient({ directory, courier, limits }), directory }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch {
    throw new Cancelled()
  }
}
