/** How long a process takes to have its state again: the bench of the shard crate, as rows. */
import type { Row } from './table.ts'

const SECONDS_MAX = 20

/** Throws where the bench does not tell one of the rounds. */
export function recoveryRows(text: string): readonly Row[] {
  return [round(text, 'recovery', 'from the disk'), round(text, 'recoveryFromPageCache', 'from the page cache')]
}

function round(text: string, key: string, name: string): Row {
  const [, bytes] = found(text, /^(\d+) MiB of snapshots/m)
  const [, events, seconds] = found(text, new RegExp(`^${name}: .*, (\\d+) events in .*, together ([\\d.]+) s;`, 'm'))
  return {
    key,
    unit: `s, ${bytes ?? ''} MiB of snapshots and ${events ?? ''} events`,
    better: 'lower',
    goal: SECONDS_MAX,
    beatsPeers: false,
    ours: Number(seconds),
    peers: {},
    lacking: {},
  }
}

function found(text: string, line: RegExp): RegExpExecArray {
  const match = line.exec(text)
  if (match === null) throw new Error(`the bench of recovery does not tell ${String(line)}:\n${text}`)
  return match
}
