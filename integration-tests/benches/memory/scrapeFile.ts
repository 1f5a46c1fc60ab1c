/** A target's samples as CSV: a header with the times in ms, then one line for each series, its values at those times. */
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'

export interface Target {
  /** Ascending, in ms. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

export interface Series {
  readonly name: string
  /** One for each time; NaN where there is none. */
  readonly values: readonly number[]
}

export function scrapeText({ times, series }: Target): string {
  const cell = (value: number) => (Number.isNaN(value) ? '' : String(value).replace('Infinity', 'Inf'))
  const line = ({ name, values }: Series) => `"${name.replaceAll('"', '""')}",${values.map(cell).join(',')}\n`
  return [`series,${times.join(',')}\n`, ...series.map(line)].join('')
}

export function parseScrape(text: string): Target {
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const times = header.split(',').slice(1).map(Number)
  const series = lines.map((line) => {
    // The name may have commas in it; the values stand at the end.
    const cells = line.split(',')
    const name = cells.slice(0, -times.length).join(',')
    return {
      name: name.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'),
      values: cells.slice(-times.length).map(number),
    }
  })
  return { times, series }
}

export function readScrape(file: string): Target {
  const bytes = readFileSync(file)
  return parseScrape((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
}

export function writeScrape(file: string, target: Target): void {
  const text = scrapeText(target)
  writeFileSync(file, file.endsWith('.gz') ? gzipSync(text) : text)
}

/** Of a cell, or of a sample of the text format; NaN for an empty one. */
export function number(text: string): number {
  return text === '' ? NaN : Number(text.replace('Inf', 'Infinity'))
}
