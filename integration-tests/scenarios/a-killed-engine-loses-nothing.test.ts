/**
 * A process that applies a log and writes snapshots is killed (SIGKILL) at any moment, again and again: the next one finds a
 * state that the log had, never older than the last snapshot that was reported written. `KILLS` sets how often, `SEED` when.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { applyRecord, OPTIONS } from '../harness/numberedLog.ts'
import type { NumberedReport, NumberedWork } from '../harness/numberedProcess.ts'

const KILLS = Number(process.env['KILLS'] ?? 30)
const SEED = Number(process.env['SEED'] ?? Date.now())
const LIFE_MS_MAX = 250
const LIMIT_MS = 60_000
const DAYS_AGO = new Date(Date.now() - 2 * 24 * 3_600_000)
const program = fileURLToPath(new URL('../harness/numberedProcess.ts', import.meta.url))

type Of<K extends NumberedReport['kind']> = NumberedReport & { readonly kind: K }

/** What a process told, until it ended. */
class Life {
  readonly reports: NumberedReport[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>

  /** `fileBlocksMax`: no file may become larger, as on a disk that is full. */
  constructor(t: TestContext, work: NumberedWork, fileBlocksMax: number | null = null) {
    const limit = fileBlocksMax === null ? '' : `ulimit -f ${fileBlocksMax}; `
    this.#child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, program, JSON.stringify(work)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (report: NumberedReport) => this.reports.push(report))
    this.#ended = once(this.#child, 'close', { signal: AbortSignal.timeout(LIMIT_MS) })
    t.after(() => this.#child.kill('SIGKILL'))
  }

  of<K extends NumberedReport['kind']>(kind: K): Of<K>[] {
    return this.reports.filter((report) => report.kind === kind) as Of<K>[]
  }

  async restored(): Promise<void> {
    while (this.reports.length === 0) await once(this.#child, 'message', { signal: AbortSignal.timeout(LIMIT_MS) })
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    assert.deepEqual(await this.#ended, [null, 'SIGKILL'])
  }

  async end(): Promise<void> {
    assert.deepEqual(await this.#ended, [0, null])
  }
}

/** The run that nobody kills: the digest of each offset, asked in their order. */
function uninterrupted(): (offset: number) => string {
  const shard = openEngine(OPTIONS).createShard(0)
  let next = 0
  return (offset) => {
    assert.ok(offset >= next, `offset ${offset} after ${next}`)
    for (; next < offset; next += 1) applyRecord(shard, next)
    return shard.stateHash()
  }
}

function temporary(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'killed-'))
  t.after(() => {
    rmSync(root, { recursive: true })
  })
  return join(root, 'snapshots')
}

/** The same moments for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

test(`killed ${KILLS} times, it always comes back with what was written`, async (t) => {
  t.diagnostic(`SEED=${SEED}`)
  const folder = temporary(t)
  const hashAt = uninterrupted()
  const random = randomFrom(SEED)
  let written = 0
  let inSnapshot = 0
  const offsets = new Set<number>()
  for (let kill = 0; kill < KILLS; kill += 1) {
    const life = new Life(t, { folder, writer: `life-${kill}`, records: Number.MAX_SAFE_INTEGER })
    await life.restored()
    await sleep(random() * LIFE_MS_MAX)
    await life.kill()
    check(life)
    const done = life.of('written').at(-1)?.offset ?? 0
    written = Math.max(written, done)
    if (life.of('cut').length > life.of('written').length) inSnapshot += 1
  }
  t.diagnostic(
    `${offsets.size} different offsets restored, ${inSnapshot} of ${KILLS} killed while a snapshot was written`,
  )
  assert.ok(offsets.size > KILLS / 4 && inSnapshot > KILLS / 4)

  // What the killed ones left is a day old at last: it goes, and with it every file that was never finished.
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), DAYS_AGO, DAYS_AGO)
  const last = new Life(t, { folder, writer: 'last', records: 300 })
  await last.end()
  check(last)
  assert.equal(last.of('failed').length, 0)
  assert.equal(last.of('end')[0]?.hash, hashAt(last.of('end')[0]?.offset ?? 0))
  assert.deepEqual(
    readdirSync(folder).filter((name) => !/^shard-00\.last\.\d+\.(?:manifest|segment)$/u.test(name)),
    [],
  )

  function check(life: Life): void {
    const [restored] = life.of('restored')
    assert.ok(restored)
    assert.deepEqual(restored.refused, [])
    assert.ok(restored.offset >= written, `offset ${restored.offset} restored, ${written} was written`)
    assert.equal(restored.hash, hashAt(restored.offset), `state at offset ${restored.offset}`)
    assert.equal(life.of('failed').length, 0)
    offsets.add(restored.offset)
  }
})

test('a disk that takes no more is an error by name, and the older snapshot is used', async (t) => {
  const folder = temporary(t)
  const hashAt = uninterrupted()
  const small = new Life(t, { folder, writer: 'small', records: 200 })
  await small.end()

  // 1 MiB, or 2 where the shell counts in KiB.
  const full = new Life(t, { folder, writer: 'full', records: 5_000 }, 2_048)
  await full.end()
  const failures = full.of('failed')
  assert.ok(failures.length > 0, 'the state outgrew the limit')
  for (const { name, message } of failures) {
    assert.equal(name, 'SnapshotFailed')
    assert.match(message, /write .*File too large/u)
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
    'what did not fit is gone',
  )
  const kept = Math.max(...[...small.of('written'), ...full.of('written')].map(({ offset }) => offset))

  const after = new Life(t, { folder, writer: 'after', records: 100 })
  await after.end()
  const [restored] = after.of('restored')
  assert.ok(restored)
  assert.equal(restored.offset, kept)
  assert.equal(restored.hash, hashAt(kept))
  assert.equal(after.of('failed').length, 0)
  assert.ok(after.of('written').length > 0, 'with room it is written again')
})
