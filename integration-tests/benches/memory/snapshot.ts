/** A snapshot of 1 GiB beside dd with fsync, and what changes wait while it runs: the bench of the shard crate, as rows. */
import type { Row } from './table.ts'

/** Of the disk's own speed. */
const SHARE_MIN = 0.8
const WAIT_MS_MAX = 1

/** Throws where the bench does not tell one of the rounds. */
export function snapshotRows(text: string): readonly Row[] {
  const [whole, changed] = [round(text, 'whole'), round(text, 'whole, under change')]
  const none = { beatsPeers: false, lacking: {} }
  const speed = (key: string, { ours, dd }: Round): Row => {
    const goal = SHARE_MIN * dd
    return { ...none, key, unit: 'MiB/s, 1 GiB dirty', better: 'higher', goal, ours, peers: { dd } }
  }
  const wait = { ...none, better: 'lower', goal: WAIT_MS_MAX, peers: {} } as const
  return [
    speed('snapshotSpeed', whole),
    speed('snapshotSpeedUnderChange', changed),
    { ...wait, key: 'snapshotChangeP99', unit: 'ms, a change of 60 KiB', ours: changed.changeP99 },
    { ...wait, key: 'snapshotSliceP99', unit: 'ms, copying between calls', ours: changed.sliceP99 },
  ]
}

interface Round {
  readonly ours: number
  /** Before and after it, in the same folder. */
  readonly dd: number
  readonly sliceP99: number
  readonly changeP99: number
}

function round(text: string, name: string): Round {
  const line = new RegExp(
    `^${name}: \\d+ of \\d+ pages, (\\d+) MiB/s, dd (\\d+),` +
      '.*; slices \\d+: [^;]*p99 ([\\d.]+),[^;]*; changes \\d+: [^;]*p99 ([\\d.]+),',
    'm',
  )
  const match = line.exec(text)
  if (match === null) throw new Error(`the bench of snapshots does not tell the round "${name}":\n${text}`)
  const [ours = NaN, dd = NaN, sliceP99 = NaN, changeP99 = NaN] = match.slice(1).map(Number)
  return { ours, dd, sliceP99, changeP99 }
}
