/** Runs the Rust harness, which measures the memory itself, and reads what it hands over for peers. */
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { type Target, readScrape } from './scrapeFile.ts'

const execute = promisify(execFile)
const OUTPUT_BYTES_MAX = 1 << 24

export interface Measured {
  readonly key: string
  readonly unit: string
  readonly goal: number | null
  readonly ours: number
  readonly gorilla: number | null
}

export interface HandedOver {
  readonly key: string
  readonly target: Target
  readonly asked: Asked
}

/** The steps of [from, to), in ms. */
export interface Asked {
  readonly question: 'averageOfFirst' | 'sumOfAll'
  readonly from: number
  readonly to: number
  readonly step: number
  readonly answer: readonly number[]
}

export async function runHarness(
  workspace: string,
  { only, sets, handOver, signal }: { only: string | null; sets: string; handOver: string; signal: AbortSignal },
): Promise<readonly Measured[]> {
  const { stdout } = await execute(
    'cargo',
    [
      ...['run', '--release', '--locked', '--quiet', '-p', 'benches', '--', '--sets', sets, '--hand-over', handOver],
      ...(only === null ? [] : ['--only', only]),
    ],
    { cwd: workspace, signal, maxBuffer: OUTPUT_BYTES_MAX },
  )
  return JSON.parse(stdout) as Measured[]
}

/** What a bench of the shard crate prints; it writes to the folder. */
export async function runShardBench(
  workspace: string,
  bench: 'snapshot' | 'recovery',
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await execute(
    'cargo',
    ['bench', '--locked', '--quiet', '-p', 'shard', '--bench', bench, '--', folder],
    { cwd: workspace, signal },
  )
  return stdout
}

export function handedOver(folder: string): readonly HandedOver[] {
  const keys = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return keys.map((file) => {
    const key = file.replace(/\.json$/, '')
    const asked = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Asked
    return { key, target: readScrape(join(folder, `${key}.csv`)), asked }
  })
}
