/** Reads CSV files, gzipped or not, as rows of text by column name. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { CsvError, parse } from 'csv-parse/sync'

/** RFC 4180, but the line end may be a lone \n too, as most tools write it. */
const CSV = { columns: true as const, bom: true, record_delimiter: ['\r\n', '\n'] }

export type CsvRow = Readonly<Record<string, string>>

export class CsvInvalid extends Error {
  readonly retryable = false
  constructor(file: string, cause: CsvError) {
    super(`${file}: ${cause.message}`, { cause })
    this.name = 'CsvInvalid'
  }
}

/** Throws CsvInvalid, which names the line, where a row has another number of cells than the head or a quote is astray. */
export function readCsv(file: string): readonly CsvRow[] {
  const bytes = readFileSync(file)
  try {
    return parse<CsvRow>(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, CSV)
  } catch (error) {
    if (error instanceof CsvError) throw new CsvInvalid(file, error)
    throw error
  }
}
