/** Metrics of the made-up fleet: a daily and weekly rhythm, slow growth, noise, and errors while an incident is felt. */
import type { Series } from './remoteWriteBody.ts'
import { FLEET, seededBy, type FleetService } from './syntheticFleet.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** All series of one service at the given times, the same for a seed whenever they are made. `troubled` = an incident is open. */
export function metricsOf(
  of: FleetService,
  times: readonly number[],
  seed: number,
  troubled: boolean,
): readonly Series[] {
  const series = (name: string, noiseShare: number, value: (at: number) => number): Series => ({
    labels: {
      __name__: name,
      job: of.name,
      service: of.name,
      instance: `${of.name}-0`,
      environment: 'production',
      synthetic: 'true',
    },
    samples: times.map((at) => {
      const noise = 1 + noiseShare * (seededBy(`${seed}/${of.name}/${name}/${at}`)() - 0.5)
      return { at, value: Math.max(0, value(at) * noise) }
    }),
  })
  return [
    series('demo_requests_per_second', 0.2, (at) => load(of, at)),
    series('demo_errors_per_second', 0.6, (at) => load(of, at) * (troubled ? 0.15 : 0.004)),
    series('demo_cpu_cores', 0.15, (at) => 0.2 + load(of, at) / 150),
    series('demo_disk_used_bytes', 0.001, (at) => diskBytes(of, at)),
  ]
}

export const everyService = (
  times: readonly number[],
  seed: number,
  troubled: ReadonlySet<string>,
): readonly Series[] => FLEET.flatMap((of) => metricsOf(of, times, seed, troubled.has(of.name)))

function load(of: FleetService, at: number): number {
  const day = Math.sin(((at % DAY_MS) / DAY_MS - 0.29) * 2 * Math.PI)
  const weekday = new Date(at).getUTCDay()
  return of.requestsPerSecond * (1 + 0.55 * day) * (weekday === 0 || weekday === 6 ? 0.6 : 1)
}

/**
 * Fills by 0.6 GB a day since the beginning of 2026. It is never emptied: whatever stretch of it is looked at, nobody could
 * have foreseen when.
 */
function diskBytes(of: FleetService, at: number): number {
  return 40e9 + 0.6e9 * Math.max(0, (at - Date.UTC(2026, 0, 1)) / DAY_MS) + of.requestsPerSecond * 1e7
}
