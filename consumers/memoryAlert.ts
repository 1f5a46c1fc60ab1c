/** How full the pool and its regions are, in levels that somebody is told of. */
import type { MemoryReport } from '../rust-engine/ts/records.ts'
import { ALERT_LEVELS, POOL } from '../schemas/queries/answer.ts'
import type { AlertLevel } from '../schemas/queries/answer.ts'

/** Used shares from which a level holds, ascending. */
export type AlertThresholds = Readonly<Record<Exclude<AlertLevel, 'none'>, number>>

/** A level is left only this far below its threshold: use that goes to and fro around one tells of it once. */
export const CLEARANCE = 0.02

export interface AlertChange {
  readonly region: string
  readonly from: AlertLevel
  readonly to: AlertLevel
  readonly use: number
}

/** `use`: share of the quota, above 1 when it borrows. */
export function alertLevel(use: number, before: AlertLevel, thresholds: AlertThresholds): AlertLevel {
  const rank = ALERT_LEVELS.indexOf(before)
  const holds = (level: AlertLevel, at: number): boolean =>
    level === 'none' || use >= thresholds[level] - (at <= rank ? CLEARANCE : 0)
  return ALERT_LEVELS.findLast(holds) ?? 'none'
}

export class MemoryAlerts {
  readonly #thresholds: AlertThresholds
  readonly #levels = new Map<string, AlertLevel>()

  constructor(thresholds: AlertThresholds) {
    this.#thresholds = thresholds
  }

  levelOf(region: string): AlertLevel {
    return this.#levels.get(region) ?? 'none'
  }

  /** What is another level than before. */
  update({ utilization, regions }: Pick<MemoryReport, 'utilization' | 'regions'>): readonly AlertChange[] {
    const uses = regions.map(({ region, usedBytes, quotaBytes }) => [region, usedBytes / quotaBytes] as const)
    return [[POOL, utilization] as const, ...uses].flatMap(([region, use]) => {
      const from = this.levelOf(region)
      const to = alertLevel(use, from, this.#thresholds)
      this.#levels.set(region, to)
      return from === to ? [] : [{ region, from, to, use }]
    })
  }
}
