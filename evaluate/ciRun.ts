/** A run of the data set, from a CSV row or an ask, and the events that the live pipeline would have had of it. */
import type { ChangeSize, DeploymentEvent } from '../schemas/generated/events.ts'
import type { CsvRow } from './csv.ts'

export interface CiRun {
  readonly runId: string
  readonly project: string
  readonly seq: number
  /** Start, seconds since the first run of the project. */
  readonly startS: number
  /** Start in UTC; 0 = Monday. */
  readonly hour: number
  readonly weekday: number
  readonly month: number
  readonly branch: string | null
  readonly actor: string | null
  readonly trigger: string | null
  readonly workflow: string | null
  readonly pullRequest: boolean | null
  readonly change: ChangeSize | null
}

export interface CiOutcome {
  readonly success: boolean
  readonly durationS: number | null
}

type Cell = string | number | boolean | null | undefined

const text = (cell: Cell): string | null => (cell === null || cell === undefined || cell === '' ? null : String(cell))
const number = (cell: Cell): number | null => {
  const value = text(cell)
  return value === null || !Number.isFinite(Number(value)) ? null : Number(value)
}
const count = (cell: Cell): number | null => {
  const value = number(cell)
  return value === null ? null : Math.max(Math.round(value), 0)
}
const truth = (cell: Cell): boolean | null => {
  const value = text(cell)
  if (value === null) return null
  return value === 'true' || value === 'True' || value === '1'
}

/** Reads the columns that webhooks and one comparison of commits deliver (the list `live`); all others are passed by. */
export function ciRunOf(row: Readonly<Record<string, Cell>>): CiRun {
  const project = text(row['project']) ?? ''
  const seq = number(row['seq']) ?? 0
  return {
    runId: text(row['run_id']) ?? `${project}#${seq}`,
    project,
    seq,
    startS: number(row['t_rel_s']) ?? 0,
    hour: number(row['hour']) ?? 0,
    weekday: number(row['dow']) ?? 0,
    month: number(row['month']) ?? 1,
    branch: text(row['branch']),
    actor: text(row['actor']),
    trigger: text(row['workflow_event_trigger']),
    workflow: text(row['workflow_id']),
    pullRequest: truth(row['gh_is_pr']),
    change: changeOf(row),
  }
}

function changeOf(row: Readonly<Record<string, Cell>>): ChangeSize | null {
  const change = {
    filesAdded: count(row['gh_files_added']),
    filesDeleted: count(row['gh_files_deleted']),
    filesModified: count(row['gh_files_modified']),
    linesAdded: count(row['gh_lines_added']),
    linesDeleted: count(row['gh_lines_deleted']),
    srcFiles: count(row['gh_src_files']),
    docFiles: count(row['gh_doc_files']),
    otherFiles: count(row['gh_other_files']),
    dockerfileChanged: truth(row['dockerfile_changed']),
    composeChanged: truth(row['docker_compose_changed']),
    fileTypes: text(row['file_types']),
  }
  return Object.values(change).every((value) => value === null) ? null : change
}

export function ciOutcomeOf(row: CsvRow): CiOutcome {
  return { success: row['failed'] === '0', durationS: number(row['duration_s']) }
}

export const ENVIRONMENT = 'ci'
export const serviceOf = (run: CiRun): string => `${ENVIRONMENT}/${run.project}`

/** `zeroMs`: when the project's first run started, as far as it can be known. */
export function startedEvent(run: CiRun, zeroMs: number): DeploymentEvent {
  return event(run, 'started', Math.round(zeroMs + run.startS * 1000), null)
}

export function finishedEvent(run: CiRun, zeroMs: number, outcome: CiOutcome): DeploymentEvent {
  const at = Math.round(zeroMs + (run.startS + (outcome.durationS ?? 0)) * 1000)
  return event(run, 'finished', at, outcome.success ? 'success' : 'failure')
}

function event(
  run: CiRun,
  phase: 'started' | 'finished',
  at: number,
  conclusion: DeploymentEvent['conclusion'],
): DeploymentEvent {
  return {
    id: `${run.runId}/${phase}`,
    occurredAt: at,
    receivedAt: at,
    source: 'events',
    service: serviceOf(run),
    environment: ENVIRONMENT,
    trace: null,
    subject: 'ci_run',
    phase,
    key: `events:${run.project}/run/${run.seq}`,
    attempt: 1,
    conclusion,
    name: null,
    workflow: run.workflow,
    repository: run.project,
    branch: run.branch,
    sha: null,
    actor: run.actor,
    trigger: run.trigger,
    pullRequest: run.pullRequest,
    change: run.change,
    step: null,
    links: [],
    backfilled: false,
  }
}
