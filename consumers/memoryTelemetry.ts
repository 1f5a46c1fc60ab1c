/** The engine's memory as metrics. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../runtime/telemetry/log.ts'
import type { EngineDoor } from '../rust-engine/ts/door.ts'
import { REGIONS } from '../rust-engine/ts/records.ts'
import type { MemoryReport } from '../rust-engine/ts/records.ts'
import { ALERT_LEVELS, POOL } from '../schemas/queries/answer.ts'
import type { AlertChange, MemoryAlerts } from './memoryAlert.ts'

export type MemoryTelemetry = ReturnType<typeof createMemoryTelemetry>

export function createMemoryTelemetry(
  registry: Registry,
  log: Log,
  engine: Pick<EngineDoor, 'memory'>,
  alerts: Pick<MemoryAlerts, 'levelOf'>,
) {
  exportGauges(registry, engine, alerts)
  const released = new Counter({
    name: 'devops_memory_released_bytes_total',
    help: 'Memory of free pages that was given back to the system because nothing moved.',
    registers: [registry],
  })
  return {
    alertChanged: ({ region, from, to, use }: AlertChange): void => {
      const rises = ALERT_LEVELS.indexOf(to) > ALERT_LEVELS.indexOf(from)
      const fields = { event: 'memory_alert', region, from, to, use: Math.round(use * 1000) / 1000 }
      if (rises) log.warn(fields, 'a part of the memory gets full')
      else log.info(fields, 'a part of the memory has room again')
    },
    idleReleased: (bytes: number): void => {
      released.inc(bytes)
    },
  }
}

function exportGauges(
  registry: Registry,
  engine: Pick<EngineDoor, 'memory'>,
  alerts: Pick<MemoryAlerts, 'levelOf'>,
): void {
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
    new Gauge({ name, help, labelNames, registers })
  // The first one that is collected asks the engine once for all of them.
  new Gauge({
    name: 'devops_memory_pool_utilization_ratio',
    help: 'Used share of a region of the pool, borrowed pages included: above 1 it borrows.',
    labelNames: ['region'],
    registers,
    collect() {
      const report = engine.memory()
      for (const { region, usedBytes, quotaBytes } of report.regions) this.set({ region }, usedBytes / quotaBytes)
      tellPool(report)
      tellShards(report)
    },
  })
  const pool = gauge('devops_memory_pool_bytes', 'Bytes of the pool.')
  const idle = gauge('devops_memory_idle_bytes', 'Bytes of free pages that still take memory of the system.')
  const quota = gauge('devops_memory_quota_bytes', 'Quota of a region.', 'region')
  const used = gauge(
    'devops_memory_used_bytes',
    'Bytes of the pages that a region uses, borrowed ones included.',
    'region',
  )
  const borrowed = gauge('devops_memory_borrowed_bytes', 'Of them in the quota of other regions.', 'region')
  const lent = gauge('devops_memory_lent_bytes', "Bytes of a region's quota that others use.", 'region')
  const evicted = gauge(
    'devops_memory_evicted_records',
    'Records, samples or series that the shards of this process dropped to make room, since each began.',
    'kind',
    'region',
  )
  const level = gauge(
    'devops_memory_alert_level',
    `How full a region or the whole pool is, by the thresholds of memory.alerts: ${ALERT_LEVELS.map((name, rank) => `${rank} ${name}`).join(', ')}.`,
    'region',
  )
  const shardPages = gauge('devops_memory_shard_pages', 'Pages of a shard in a region.', 'shard', 'region')
  const of = ['shard', 'region', 'component']
  const pages = gauge('devops_memory_component_pages', 'Pages that hold mostly this, when last looked at.', ...of)
  const live = gauge(
    'devops_memory_component_live_bytes',
    'Bytes in use by it: what is missing to its pages is fragmentation.',
    ...of,
  )

  function tellPool({ poolBytes, idleBytes, regions, dropped }: MemoryReport): void {
    pool.set(poolBytes)
    idle.set(idleBytes)
    level.set({ region: POOL }, ALERT_LEVELS.indexOf(alerts.levelOf(POOL)))
    for (const { kind, region, records } of dropped) evicted.set({ kind, region }, records)
    for (const { region, ...figures } of regions) {
      quota.set({ region }, figures.quotaBytes)
      used.set({ region }, figures.usedBytes)
      borrowed.set({ region }, figures.borrowedBytes)
      lent.set({ region }, figures.lentBytes)
      level.set({ region }, ALERT_LEVELS.indexOf(alerts.levelOf(region)))
    }
  }

  function tellShards({ shards, components }: MemoryReport): void {
    // What is gone is not told any more.
    for (const each of [shardPages, pages, live]) each.reset()
    for (const { shard, regionPages } of shards) {
      REGIONS.forEach((region, i) => {
        shardPages.set({ shard, region }, regionPages[i] ?? 0)
      })
    }
    for (const { shard, region, component, ...figures } of components) {
      pages.set({ shard, region, component }, figures.pages)
      live.set({ shard, region, component }, figures.liveBytes)
    }
  }
}
