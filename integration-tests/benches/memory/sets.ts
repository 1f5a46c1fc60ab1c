/** Data sets of samples: what a folder has of them, each as targets. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { readCsv } from '../../../evaluate/csv.ts'
import { type Series, type Target, parseScrape } from './scrapeFile.ts'

const STEP_MS = 300_000
const DAY_MS = 86_400_000

export type Sets = ReadonlyMap<string, readonly Target[]>

/**
 * Reads all CSV files of some folders and their folders. Which form a file has, its header says:
 * `series,<ms>,…` a scraped target: a set; `timestamp,value` one series: a target of the set that is named after its folder;
 * `t_s,<column>,…` rows 300 s apart: a set of one target; `vm,metric,t0,…` cells 300 s apart: a set, each machine a target.
 * Others are passed over.
 */
export function readSets(folders: readonly string[], nowMs: number): Sets {
  const sets = new Map<string, Target[]>()
  const add = (set: string, ...targets: Target[]) => {
    sets.set(set, [...(sets.get(set) ?? []), ...targets.map((target) => past(target, nowMs))])
  }
  for (const file of folders.flatMap(csvFiles)) {
    const name = basename(file).replace(/\.csv(\.gz)?$/, '')
    const bytes = readFileSync(file)
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    const header = text.slice(0, text.indexOf('\n')).trimEnd()
    if (/^series(,\d+)+$/.test(header)) add(name, parseScrape(text))
    else if (header === 'timestamp,value') add(basename(dirname(file)), oneSeries(name, file))
    else if (header.startsWith('t_s,')) add(name, columns(file))
    else if (header.startsWith('vm,metric,t0,')) add(name, ...machines(file))
  }
  return sets
}

function csvFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return /\.csv(\.gz)?$/.test(path) ? [path] : []
  return readdirSync(path)
    .sort()
    .flatMap((name) => csvFiles(join(path, name)))
}

/** In the order of time; of several samples of one time the first. Local times without a zone are read as UTC. */
function oneSeries(name: string, file: string): Target {
  const samples = new Map<number, number>()
  for (const { timestamp = '', value } of readCsv(file)) {
    const time = Date.parse(`${timestamp.replace(' ', 'T')}Z`)
    if (!samples.has(time)) samples.set(time, Number(value))
  }
  const sorted = [...samples].sort(([a], [b]) => a - b)
  return { times: sorted.map(([time]) => time), series: [{ name, values: sorted.map(([, value]) => value) }] }
}

function columns(file: string): Target {
  const rows = readCsv(file)
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 't_s')
  const series = names.map((name) => ({ name, values: rows.map((row) => Number(row[name])) }))
  return { times: rows.map((row) => Number(row['t_s']) * 1000), series }
}

function machines(file: string): readonly Target[] {
  const byMachine = new Map<string, Series[]>()
  for (const { vm = '', metric = '', ...cells } of readCsv(file)) {
    const values = Object.values(cells).map((cell) => (cell === '' ? NaN : Number(cell)))
    byMachine.set(vm, [...(byMachine.get(vm) ?? []), { name: metric, values }])
  }
  return [...byMachine.values()].map((series) => ({
    times: (series[0]?.values ?? []).map((_, step) => step * STEP_MS),
    series,
  }))
}

/** Peers take samples of the past only, and none of 1970: moves a target by whole days; what no peer can hold is left out. */
function past({ times, series }: Target, nowMs: number): Target {
  const last = times.at(-1) ?? 0
  const early = (times[0] ?? 0) < DAY_MS
  const moved = last > nowMs || early ? Math.floor((nowMs - last) / DAY_MS) * DAY_MS : 0
  const finite = (values: readonly number[]) => values.map((value) => (Number.isFinite(value) ? value : NaN))
  return {
    times: times.map((time) => time + moved),
    series: series.map(({ name, values }) => ({ name, values: finite(values) })),
  }
}
