/** Records what a node exporter tells about this machine, scraped far more often than a Prometheus would. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../../infra/local/freePort.mjs'
import { answers, startServer } from '../../../infra/local/serverProcess.mjs'
import { findTool } from '../../harness/tools.ts'
import { type Target, number } from './scrapeFile.ts'

const READY_LIMIT_MS = 20_000
const SAID_EVERY = 500

/** Names, addresses and versions of the machine stand in the labels of these. */
const TELLS_THE_MACHINE = /^\w+_info(\{|$)/

export interface Recording {
  readonly scrapes: number
  readonly everyMs: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export async function record({ scrapes, everyMs, say, signal }: Recording): Promise<Target> {
  const exporter = findTool('prometheus-node-exporter', 'node_exporter')
  if (exporter === null) throw new Error('no node exporter on this machine (Debian: prometheus-node-exporter)')
  const folder = mkdtempSync(join(tmpdir(), 'bench-exporter-'))
  const address = `127.0.0.1:${String(await freePort())}`
  const url = `http://${address}/metrics`
  try {
    const server = await startServer({
      name: 'the node exporter',
      command: exporter,
      args: [`--web.listen-address=${address}`],
      logPath: join(folder, 'log'),
      ready: () => answers(url),
      readyLimitMs: READY_LIMIT_MS,
      signal,
    })
    try {
      const columns = new Columns()
      const start = Date.now()
      for (let n = 0; n < scrapes; n += 1) {
        await sleep(Math.max(0, start + n * everyMs - Date.now()), undefined, { signal })
        const time = Date.now()
        columns.add(time, await (await fetch(url, { signal })).text())
        if ((n + 1) % SAID_EVERY === 0) say(`${n + 1} of ${scrapes} scrapes`)
      }
      return columns.target()
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Scrapes in the text format, one after the other. */
export class Columns {
  readonly #times: number[] = []
  readonly #series = new Map<string, number[]>()

  add(time: number, text: string): void {
    // Two scrapes in one millisecond would be one sample.
    const row = this.#times.push(Math.max(time, (this.#times.at(-1) ?? -Infinity) + 1)) - 1
    for (const line of text.split('\n')) {
      const end = line.lastIndexOf(' ')
      if (line.startsWith('#') || end < 0 || TELLS_THE_MACHINE.test(line.slice(0, end))) continue
      const name = line.slice(0, end)
      const values = this.#series.get(name) ?? []
      this.#series.set(name, values)
      while (values.length < row) values.push(NaN)
      values[row] = number(line.slice(end + 1))
    }
  }

  target(): Target {
    const rows = this.#times.length
    const whole = (values: number[]) => [...values, ...new Array<number>(rows - values.length).fill(NaN)]
    return { times: this.#times, series: [...this.#series].map(([name, values]) => ({ name, values: whole(values) })) }
  }
}
