import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

import { readCsv } from './csv.ts'

const STEP_SECONDS = 300
const STEPS_PER_HOUR = 12

/** The series' rows break the format. */
export class SeriesInvalid extends Error {
  readonly retryable = false
  constructor(series: string, reason: string) {
    super(`${series}: ${reason}`)
    this.name = 'SeriesInvalid'
  }
}

export interface HourlySeries {
  /** <file>/<column> */
  readonly name: string
  /** Means of whole hours, oldest first; an unfinished hour is left out. */
  readonly hourly: Float64Array
}

/** Reads rows of 300 s from CSV files and folders of them; files of the same base name are parts of one series. */
export function readHourlySeries(paths: readonly string[]): readonly HourlySeries[] {
  const columns = new Map<string, Map<number, number>>()
  for (const file of paths.flatMap(csvFiles)) {
    const rows = readCsv(file)
    // Other tables may lie in the same folder.
    if (rows[0]?.['t_s'] === undefined) continue
    const source = basename(file).split('.', 1)[0] ?? file
    for (const { t_s: second, ...values } of rows) {
      for (const [column, value] of Object.entries(values)) {
        const name = `${source}/${column}`
        let points = columns.get(name)
        points ??= new Map<number, number>()
        columns.set(name, points)
        points.set(Number(second), Number(value))
      }
    }
  }
  return [...columns].map(([name, points]) => ({ name, hourly: hourlyMeans(name, points) }))
}

function csvFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => /\.csv(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(path, name))
}

function hourlyMeans(name: string, points: ReadonlyMap<number, number>): Float64Array {
  return Float64Array.from({ length: Math.floor(points.size / STEPS_PER_HOUR) }, (_, hour) => {
    let sum = 0
    for (let step = hour * STEPS_PER_HOUR; step < (hour + 1) * STEPS_PER_HOUR; step++) {
      const value = points.get(step * STEP_SECONDS)
      if (value === undefined || !Number.isFinite(value))
        throw new SeriesInvalid(
          name,
          `no value at ${step * STEP_SECONDS} s; rows must be ${STEP_SECONDS} s apart from 0 on`,
        )
      sum += value
    }
    return sum / STEPS_PER_HOUR
  })
}
