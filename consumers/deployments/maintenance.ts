/**
 * Maintenance windows and known outages of the catalog: what ran within one, even in part, says nothing of the next attempt. It is
 * closed as censored; nothing is learnt of it and nothing scored.
 */
import type { MaintenanceWindow, WeeklyTimes } from '../../runtime/configuration/maintenanceWindows.ts'
import { localTime } from './localTime.ts'

/** Whether any of `from` to `to` (ms, both ends included) lies within a window of a service <environment>/<name>. */
export type DuringMaintenance = (service: string, from: number, to: number) => boolean

const MINUTE_MS = 60_000
const WEEK_MINUTES = 7 * 24 * 60

/** `zoneOf`: of a service, where a weekly window names no zone. */
export function duringMaintenance(
  windows: readonly MaintenanceWindow[],
  zoneOf: (service: string) => string,
): DuringMaintenance {
  return (service, from, to) => {
    const slash = service.indexOf('/')
    const [environment, name] = [service.slice(0, slash), service.slice(slash + 1)]
    return windows.some(({ services, environments, times }) => {
      if (services.length > 0 && !services.includes(name)) return false
      if (environments.length > 0 && !environments.includes(environment)) return false
      return times.kind === 'once'
        ? from < times.to && to >= times.from
        : isInWeekly(times, times.timeZone ?? zoneOf(service), from, to)
    })
  }
}

/** By the clock at the start: where the clocks of the zone change during a run, it is off by that hour. */
function isInWeekly({ from: opens, to: closes }: WeeklyTimes, zone: string, from: number, to: number): boolean {
  const { weekday, hour } = localTime(from, zone)
  const start = (weekday * 24 + hour) * 60
  const end = start + (to - from) / MINUTE_MS
  if (end - start >= WEEK_MINUTES) return true
  // A window that closes before it opens goes into the next week; a run may reach into the next one, too.
  return [-WEEK_MINUTES, 0, WEEK_MINUTES].some((week) => start < closes + week && end >= opens + week)
}
