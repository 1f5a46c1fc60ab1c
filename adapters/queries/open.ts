/** Puts the parts of the query client together over the process's clock and network. */
import { setTimeout as delay } from 'node:timers/promises'
import { readCatalog, type Catalog } from '../../runtime/configuration/catalog.ts'
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { formerServices } from '../../runtime/configuration/identity.ts'
import { createPseudonyms, pseudonymKeyFile } from '../../runtime/configuration/pseudonym.ts'
import type { Environment } from '../../runtime/configuration/schema.ts'
import type { AdapterTelemetry } from '../telemetry.ts'
import { createQueryClient, type QueryClient } from './client.ts'
import { createCourier } from './courier.ts'
import { createDirectory, type Directory } from './directory.ts'
import { Cancelled } from './errors.ts'
import { limitsOf, type QueryLimits } from './limits.ts'
import { createOwnerRequests } from './ownerRequest.ts'

export interface Queries {
  readonly client: QueryClient
  readonly directory: Directory
}

export interface QueriesOptions {
  /** Base URLs of consumers. */
  readonly seeds: readonly string[]
  readonly catalog: Catalog
  readonly environments: readonly Environment[]
  readonly limits: QueryLimits
  /** Of a person's name; null where there is no key. Absent: persons are left out of questions. */
  readonly pseudonym?: (person: string) => string | null
}

/** For a process: what its configuration says. */
export const queriesOf = (
  { consumer, catalogFile, environments, learning, stateFolder }: Configuration,
  telemetry: Pick<AdapterTelemetry, 'ownerReplied' | 'membershipLearnt'>,
): Queries =>
  openQueries(
    {
      seeds: consumer.seeds,
      catalog: readCatalog(catalogFile),
      environments,
      limits: limitsOf({ learning }),
      pseudonym: createPseudonyms(pseudonymKeyFile(stateFolder)),
    },
    telemetry,
  )

export function openQueries(
  { seeds, catalog, environments, limits, pseudonym = () => null }: QueriesOptions,
  telemetry: Pick<AdapterTelemetry, 'ownerReplied' | 'membershipLearnt'>,
): Queries {
  const now = (): number => performance.now()
  const requests = createOwnerRequests(fetch, limits)
  const directory = createDirectory({ seeds, requests, now, limits, learnt: telemetry.membershipLearnt })
  const courier = createCourier({ directory, requests, limits, now, sleep, asked: telemetry.ownerReplied })
  return {
    client: createQueryClient({
      directory,
      courier,
      limits,
      environments,
      formerServices: (service) => formerServices(service, catalog),
      pseudonym,
      clock: Date.now,
    }),
    directory,
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch {
    throw new Cancelled()
  }
}
