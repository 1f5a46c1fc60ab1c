/** The section `maintenance` of the catalog: when services were known to be down, once or each week. */
import { z } from 'zod'
import { isTimeZone } from './schema.ts'

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
const DAY_MINUTES = 24 * 60

const text = z.string().trim().min(1).max(200)

export const maintenanceEntry = z.strictObject({
  /** Names of the catalog; none: all services. */
  services: z.array(text).default([]),
  /** None: all environments. */
  environments: z.array(text).default([]),
  /** A moment such as 2026-03-01T22:00:00Z; with weekly a time of the day such as 22:00. */
  from: text,
  to: text,
  weekly: z.enum(WEEKDAYS).optional(),
  /** With weekly; else that of the service. */
  time_zone: text.optional(),
  /** For people. */
  reason: text.optional(),
})

export interface OnceTimes {
  readonly kind: 'once'
  /** ms */
  readonly from: number
  readonly to: number
}

export interface WeeklyTimes {
  readonly kind: 'weekly'
  /** Minutes since Monday 0:00 of the local week; `to` is above `from`, and may lie in the next week. */
  readonly from: number
  readonly to: number
  readonly timeZone: string | null
}

export interface MaintenanceWindow {
  readonly services: readonly string[]
  readonly environments: readonly string[]
  readonly times: OnceTimes | WeeklyTimes
}

/** `known`: the services of the catalog. What is wrong is added to `problems`. */
export function maintenanceWindows(
  entries: readonly z.output<typeof maintenanceEntry>[],
  known: ReadonlySet<string>,
  problems: string[],
): readonly MaintenanceWindow[] {
  return entries.flatMap((entry, i) => {
    const tell = (problem: string) => {
      problems.push(`maintenance.${i}: ${problem}`)
    }
    for (const name of entry.services) if (!known.has(name)) tell(`there is no service ${name}`)
    const times = entry.weekly === undefined ? onceOf(entry, tell) : weeklyOf(entry, entry.weekly, tell)
    return times === null ? [] : [{ services: entry.services, environments: entry.environments, times }]
  })
}

type Entry = z.output<typeof maintenanceEntry>
type Tell = (problem: string) => void

function onceOf({ from, to, time_zone }: Entry, tell: Tell): OnceTimes | null {
  if (time_zone !== undefined) tell('time_zone goes with weekly; a moment has its own, such as +01:00 or Z')
  const [begin, end] = [from, to].map((moment) => {
    if (z.iso.datetime({ offset: true }).safeParse(moment).success) return Date.parse(moment)
    tell(`${moment} is no moment such as 2026-03-01T22:00:00Z`)
    return null
  })
  if (begin === null || begin === undefined || end === null || end === undefined) return null
  if (begin >= end) tell('from is not before to')
  return { kind: 'once', from: begin, to: end }
}

function weeklyOf({ from, to, time_zone }: Entry, day: (typeof WEEKDAYS)[number], tell: Tell): WeeklyTimes | null {
  if (time_zone !== undefined && !isTimeZone(time_zone)) tell(`unknown time zone ${time_zone}`)
  const [begin, end] = [from, to].map((time) => {
    const [, hours, minutes] = /^([01]?\d|2[0-4]):([0-5]\d)$/u.exec(time) ?? []
    const total = Number(hours) * 60 + Number(minutes)
    if (total <= DAY_MINUTES) return total
    tell(`${time} is no time of the day such as 22:00`)
    return null
  })
  if (begin === null || begin === undefined || end === null || end === undefined) return null
  const dayStart = WEEKDAYS.indexOf(day) * DAY_MINUTES
  // 22:00 to 02:00 ends on the next day.
  return {
    kind: 'weekly',
    from: dayStart + begin,
    to: dayStart + end + (end <= begin ? DAY_MINUTES : 0),
    timeZone: time_zone ?? null,
  }
}
