import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100 // USER_HZ, fixed at 100 on Linux

/** CPU seconds (user and system) that a process has used so far. Source: proc(5), fields 14 and 15 of stat. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
