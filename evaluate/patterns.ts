/** Runs of the data set as rows of the pattern miner, and what it finds as predicates of the scorer's language. */
import { writeFileSync } from 'node:fs'
import { withHistory } from '../consumers/patterns/history.ts'
import { mine } from '../consumers/patterns/mine.ts'
import type { Mined } from '../consumers/patterns/mine.ts'
import type { Field, PatternRow, Value } from '../consumers/patterns/row.ts'
import { readCsv } from './csv.ts'
import type { CsvRow } from './csv.ts'

/** Column names of the data set where they are not the field's. */
const COLUMNS: Readonly<Record<string, string>> = { hour_utc: 'hour', weekday: 'dow' }

const NUMBERS = [
  'hour_utc',
  'weekday',
  'gh_files_added',
  'gh_files_deleted',
  'gh_files_modified',
  'gh_lines_added',
  'gh_lines_deleted',
  'gh_src_churn',
  'gh_test_churn',
  'gh_tests_added',
  'gh_tests_deleted',
  'gh_src_files',
  'gh_doc_files',
  'gh_other_files',
  'gh_sloc',
  'gh_test_lines_per_kloc',
  'gh_team_size_last_3_month',
  'gh_commits_on_files_touched',
  'dependencies_count',
  'workflow_size',
]
const TEXTS = ['branch', 'actor', 'workflow_event_trigger', 'workflow_id']
const FLAGS = ['gh_is_pr', 'dockerfile_changed', 'docker_compose_changed']

/** All that is known at the start of a run but its outcome history; fields whose date of collection is uncertain are left out. */
const FIELDS: readonly Field[] = [
  ...[...NUMBERS, 'gap_s'].map((name) => ({ name, kind: 'number' }) as const),
  ...TEXTS.map((name) => ({ name, kind: 'text' }) as const),
  ...FLAGS.map((name) => ({ name, kind: 'flag' }) as const),
  { name: 'file_types', kind: 'texts' },
]

const PATTERNS_MAX = 60
/** Runs to come for each run known: the splits hold back the last 30 %. */
const HORIZON = 3 / 7

export interface PatternsTask {
  readonly history: readonly string[]
  readonly out: string
}

/** Writes what was found in the runs of `history` as JSON Lines, the likeliest to last first. */
export function evaluatePatterns({ history, out }: PatternsTask): readonly Mined[] {
  const rows = withHistory(history.flatMap(readCsv).sort(bySequence).map(rowOf))
  const patterns = mine(rows, { fields: FIELDS, patternsMax: PATTERNS_MAX, horizon: HORIZON })
  const lines = patterns.map(({ scope, predicate, effect, support, p }) =>
    JSON.stringify({ scope, predicate, effect, support, p }),
  )
  writeFileSync(out, lines.map((line) => `${line}\n`).join(''))
  return patterns
}

const bySequence = (a: CsvRow, b: CsvRow): number => Number(a['seq']) - Number(b['seq'])

const FLAG_VALUES: Readonly<Record<string, boolean>> = {
  True: true,
  '1': true,
  '1.0': true,
  False: false,
  '0': false,
  '0.0': false,
}

function rowOf(row: CsvRow): PatternRow {
  const cell = (field: string): string => row[COLUMNS[field] ?? field] ?? ''
  const number = (field: string): number | null => (cell(field) === '' ? null : Number(cell(field)))
  const named = (fields: readonly string[], read: (field: string) => Value) =>
    Object.fromEntries(fields.map((field) => [field, read(field)]))
  const startedAt = Number(row['t_rel_s']) * 1000
  return {
    service: row['project'] ?? '',
    startedAt,
    finishedAt: startedAt + Number(row['duration_s'] ?? 0) * 1000,
    failed: row['failed'] === '1',
    attributes: {
      ...named(NUMBERS, number),
      ...named(TEXTS, (field) => (cell(field) === '' ? null : cell(field))),
      ...named(FLAGS, (field) => FLAG_VALUES[cell(field)] ?? null),
      file_types: cell('file_types')
        .split(/\s+/u)
        .filter((ending) => ending !== ''),
    },
  }
}
