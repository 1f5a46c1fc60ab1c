/** A peer that learns from the same scored rows as the product and answers the same asks: gradient-boosted trees from a library. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { NUMERIC_FEATURES } from '../consumers/models/features.ts'
import type { TrainingRow } from '../consumers/models/train.ts'
import type { PeerRequest } from './peerWorker.ts'

export interface Peer {
  add(row: Pick<TrainingRow, 'features' | 'success'>): void
  /** Probability of success for these features, as FeatureVector makes them; null before it has learnt. */
  answer(features: Float32Array): Promise<number | null>
  close(): Promise<void>
}

/** Rows by which the library tells the classes apart and which one is rarer: before there are so many, it learns nothing. */
const ROWS_SCANNED = 100
/** It learns anew each time that so many rows more have come. */
const ROWS_PER_LESSON = 500

export function openPeer(): Peer {
  const worker = new Worker(new URL('./peerWorker.ts', import.meta.url), { stdout: true })
  // Nobody may be waiting when it fails: the next answer says it.
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', reject)
    worker.once('exit', (code) => {
      reject(new Error(`the peer ended with ${code}`))
    })
  })
  failed.catch(() => undefined)
  const rows: { readonly cells: string; readonly success: boolean }[] = []
  let learnt = 0
  const tell = (request: PeerRequest) => {
    worker.postMessage(request)
  }
  return {
    add: ({ features, success }) => {
      rows.push({ cells: cellsOf(features), success })
    },
    answer: async (features) => {
      if (rows.length - learnt >= (learnt === 0 ? ROWS_SCANNED : ROWS_PER_LESSON)) {
        learnt = rows.length
        tell({ learn: csvOf(failuresRarer(rows)) })
      }
      if (learnt === 0) return null
      tell({ ask: csvOf([{ cells: cellsOf(features), success: null }]) })
      const [failure] = (await Promise.race([once(worker, 'message'), failed])) as [number]
      return 1 - failure
    },
    close: async () => {
      await worker.terminate()
    },
  }
}

const HEAD = [...Array.from({ length: NUMERIC_FEATURES }, (_, i) => `f${i}`), 'outcome'].join()

const cellsOf = (features: Float32Array): string =>
  Array.from(features.subarray(0, NUMERIC_FEATURES), (value) => (Number.isFinite(value) ? String(value) : '')).join()

const csvOf = (rows: readonly { readonly cells: string; readonly success: boolean | null }[]): string =>
  `${HEAD}\n${rows.map(({ cells, success }) => `${cells},${success === null ? '' : success ? 'success' : 'failure'}\n`).join('')}`

/** In another order: of those that are scanned a quarter failed at most, so that failure is the rarer class, whose probability is given. */
function failuresRarer<R extends { readonly success: boolean }>(rows: readonly R[]): readonly R[] {
  const failures = rows.filter(({ success }) => !success).slice(0, ROWS_SCANNED / 4)
  const successes = rows.filter(({ success }) => success).slice(0, ROWS_SCANNED - failures.length)
  const first = new Set([...failures, ...successes])
  return [...first, ...rows.filter((row) => !first.has(row))]
}
