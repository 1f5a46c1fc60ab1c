/**
 * A process with an engine that follows the numbered log: restores the newest snapshot, applies what comes after it, and
 * writes one snapshot after another. It tells its parent what it does, and may be killed at any moment.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { applyRecord, OPTIONS, TOPIC } from './numberedLog.ts'

export interface NumberedWork {
  readonly folder: string
  readonly writer: string
  /** The process ends by itself when it has applied so many records from where it began. */
  readonly records: number
}

export type NumberedReport =
  | { readonly kind: 'restored'; readonly offset: number; readonly hash: string; readonly refused: readonly string[] }
  | { readonly kind: 'cut' | 'written'; readonly offset: number }
  | { readonly kind: 'failed'; readonly offset: number; readonly name: string; readonly message: string }
  | { readonly kind: 'end'; readonly offset: number; readonly hash: string }

const PIECE = 50
const PAUSE_MS = 5

async function run({ folder, writer, records }: NumberedWork): Promise<void> {
  const engine = openEngine(OPTIONS)
  const restored = await engine.restoreShard(0, folder, { [TOPIC]: String(Number.MAX_SAFE_INTEGER) })
  const shard = restored.shard ?? engine.createShard(0)
  const from = Number(restored.info?.offsets[TOPIC] ?? 0)
  report({ kind: 'restored', offset: from, hash: shard.stateHash(), refused: restored.refused })

  const snapshot = async (offset: number): Promise<void> => {
    report({ kind: 'cut', offset })
    try {
      await shard.snapshot(folder, writer, { [TOPIC]: String(offset) }, offset)
      report({ kind: 'written', offset })
    } catch (error) {
      assert.ok(error instanceof Error)
      report({ kind: 'failed', offset, name: error.name, message: error.message })
    }
  }
  let writing: Promise<void> | null = null
  let next = from
  while (next < from + records) {
    for (const end = Math.min(next + PIECE, from + records); next < end; next += 1) applyRecord(shard, next)
    writing ??= snapshot(next).finally(() => {
      writing = null
    })
    await sleep(PAUSE_MS)
  }
  await writing
  await snapshot(next)
  report({ kind: 'end', offset: next, hash: shard.stateHash() })
  process.disconnect()
}

function report(what: NumberedReport): void {
  assert.ok(process.connected, 'has a parent')
  process.send?.(what)
}

await run(JSON.parse(process.argv[2] ?? '') as NumberedWork)
