/** Seeded synthetic CI runs with structure to learn: a risky branch, large changes, failures that come in streaks. */
export interface SyntheticRun {
  readonly row: {
    readonly run_id: string
    readonly project: string
    readonly seq: number
    readonly t_rel_s: number
    readonly hour: number
    readonly dow: number
    readonly month: number
    readonly branch: string
    readonly actor: string
    readonly workflow_event_trigger: string
    readonly workflow_id: string
    readonly gh_is_pr: boolean
    readonly gh_files_added: number
    readonly gh_files_modified: number
    readonly gh_lines_added: number
    readonly gh_lines_deleted: number
    readonly file_types: string
  }
  readonly success: boolean
  readonly durationS: number
}

/** mulberry32, public domain (Tommy Ettinger). */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function syntheticRuns({ seed, runs }: { seed: number; runs: number }): SyntheticRun[] {
  const next = random(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T
  const projects = ['alpha', 'beta', 'gamma']
  const state = new Map(projects.map((project) => [project, { seq: 0, at: 0, lastFailed: false }]))
  return Array.from({ length: runs }, () => {
    const project = pick(projects)
    const own = state.get(project) ?? { seq: 0, at: 0, lastFailed: false }
    own.at += own.seq === 0 ? 0 : 1 + Math.floor(next() * 7200)
    own.seq += 1
    const hours = Math.floor(own.at / 3600)
    const branch = pick(['main', 'main', 'develop', 'feature'])
    const lines = Math.floor(Math.exp(next() * 8))
    const risk = 0.05 + (branch === 'feature' ? 0.5 : 0) + (lines > 500 ? 0.2 : 0) + (own.lastFailed ? 0.2 : 0)
    const success = next() >= risk
    own.lastFailed = !success
    return {
      row: {
        run_id: `${project}#${String(own.seq)}`,
        project,
        seq: own.seq,
        t_rel_s: own.at,
        hour: hours % 24,
        dow: Math.floor(hours / 24) % 7,
        month: 1,
        branch,
        actor: pick(['a1', 'b2', 'c3', 'd4']),
        workflow_event_trigger: pick(['1', '2']),
        workflow_id: pick(['10', '11']),
        gh_is_pr: branch === 'feature',
        gh_files_added: Math.floor(next() * 3),
        gh_files_modified: 1 + Math.floor(next() * 9),
        gh_lines_added: lines,
        gh_lines_deleted: Math.floor(lines / 3),
        file_types: pick(['.ts', '.rs .toml', '.md']),
      },
      success,
      durationS: 60 + Math.floor(next() * 600),
    }
  })
}

export function csvOf(runs: readonly SyntheticRun[]): string {
  const columns = Object.keys(syntheticRuns({ seed: 0, runs: 1 })[0]?.row ?? {})
  const head = [...columns, 'failed', 'conclusion', 'duration_s']
  const lines = runs.map(({ row, success, durationS }) => [
    ...columns.map((column) => String(row[column as keyof typeof row])),
    success ? '0' : '1',
    success ? 'success' : 'failure',
    String(durationS),
  ])
  return [head, ...lines].map((cells) => `${cells.join(',')}\n`).join('')
}
