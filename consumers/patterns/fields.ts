/** What patterns of live runs are made of: fields that webhooks, one comparison of commits and metrics deliver, by the names that answers use. */
import { HISTORY_FIELDS } from './history.ts'
import type { Field } from './row.ts'
import { SEQUENCE_FIELD } from './sequences.ts'

export const LIVE_FIELDS: readonly Field[] = [
  ...[
    'hour',
    'weekday',
    'attempt',
    'files_added',
    'files_deleted',
    'files_modified',
    'lines_added',
    'lines_deleted',
    'src_files',
    'doc_files',
    'other_files',
    'gap_s',
    'cpu_cores',
    'memory_bytes',
  ].map((name) => ({ name, kind: 'number' }) as const),
  ...['branch', 'actor', 'workflow', 'trigger'].map((name) => ({ name, kind: 'text' }) as const),
  ...['pull_request', 'dockerfile_changed', 'compose_changed'].map((name) => ({ name, kind: 'flag' }) as const),
  { name: 'file_types', kind: 'texts' },
  ...HISTORY_FIELDS,
  SEQUENCE_FIELD,
]
