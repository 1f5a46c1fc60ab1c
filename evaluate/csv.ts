/** Reads CSV files, gzipped or not, as rows of text by column name (RFC 4180 quoting). */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export type CsvRow = Readonly<Record<string, string>>

export class CsvInvalid extends Error {
  readonly retryable = false
  constructor(file: string, line: number, reason: string) {
    super(`${file}, row ${line}: ${reason}`)
    this.name = 'CsvInvalid'
  }
}

export function readCsv(file: string): readonly CsvRow[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [head, ...records] = [...recordsOf(text)]
  if (head === undefined) return []
  return records.map((cells, i) => {
    if (cells.length !== head.length)
      throw new CsvInvalid(file, i + 2, `${cells.length} cells under ${head.length} names`)
    return Object.fromEntries(head.map((name, k) => [name, cells[k] ?? '']))
  })
}

function* recordsOf(text: string): Generator<string[]> {
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/gy
  let cells: string[] = []
  while (field.lastIndex < text.length) {
    const match = field.exec(text)
    if (match === null) throw new Error(`CSV: a stray quote near character ${field.lastIndex}`)
    const [, cell = '', end = ''] = match
    cells.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)
    if (end !== ',') {
      yield cells
      cells = []
    }
  }
}
