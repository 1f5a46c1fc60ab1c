/** A snapshot of 1 GiB beside dd with fsync, and what changes wait while it runs: the bench of the shard crate, as rows. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import type { Row } from './table.ts'

const execute = promisify(execFile)
/** Of the disk's own speed. */
const SHARE_MIN = 0.8
const WAIT_MS_MAX = 1

export async function snapshotRows(workspace: string, folder: string, signal: AbortSignal): Promise<readonly Row[]> {
  const { stdout } = await execute(
    'cargo',
    ['bench', '--locked', '--quiet', '-p', 'shard', '--bench', 'snapshot', '--', folder],
    { cwd: workspace, signal },
  )
  return rowsOf(stdout)
}

/** Throws where the bench does not tell one of its rounds. */
export function rowsOf(text: string): readonly Row[] {
  const [, before, after] = found(text, /^dd: (\d+) and (\d+) MiB\/s$/m)
  const dd = (Number(before) + Number(after)) / 2
  const [, whole] = found(text, /^whole: \d+ of \d+ pages, (\d+) MiB\/s,/m)
  const [, changed, slice, change] = found(
    text,
    /^whole, under change: \d+ of \d+ pages, (\d+) MiB\/s,.* slice p99 ([\d.]+) ms, change p99 ([\d.]+) ms /m,
  )
  const speed = { unit: 'MiB/s, 1 GiB dirty', better: 'higher', goal: SHARE_MIN * dd, peers: { dd } } as const
  const wait = { better: 'lower', goal: WAIT_MS_MAX, peers: {} } as const
  const none = { beatsPeers: false, lacking: {} }
  return [
    { ...speed, ...none, key: 'snapshotSpeed', ours: Number(whole) },
    { ...speed, ...none, key: 'snapshotSpeedUnderChange', ours: Number(changed) },
    { ...wait, ...none, key: 'snapshotChangeP99', unit: 'ms, a change of 60 KiB', ours: Number(change) },
    { ...wait, ...none, key: 'snapshotSliceP99', unit: 'ms, copying between calls', ours: Number(slice) },
  ]
}

function found(text: string, line: RegExp): RegExpExecArray {
  const match = line.exec(text)
  if (match === null) throw new Error(`the bench of snapshots does not tell ${String(line)}:\n${text}`)
  return match
}
