/** Pushes and pull requests: changes of the code, by commit. */
import type { ChangeSize } from '../../schemas/generated/events.ts'
import { UNKNOWN_CHANGE } from '../../schemas/changes/changeSize.ts'
import { foldChange, sizeOfFiles, type FileChange } from '../../schemas/changes/changedFiles.ts'
import { commitKey, githubEvent } from './githubEvent.ts'
import type { ComparedFile, PullRequestPayload, PushPayload } from './githubPayloads.ts'
import { branchOf, notOfInterest, type Mapped } from './mapped.ts'
import { CI_ENVIRONMENT, eventId, type Mapping } from './mapping.ts'

/** The actions after which the code under review may differ; the others (labels, reviewers, …) keep it. */
const ACTIONS_WITH_CODE = new Set(['opened', 'reopened', 'synchronize', 'ready_for_review', 'closed'])

export function mapPush(payload: PushPayload, mapping: Mapping): Mapped {
  if (payload.deleted) return notOfInterest('ref_deleted')
  if (payload.ref.startsWith('refs/tags/')) return notOfInterest('tag_changes_no_code')
  if (payload.commits.length === 0 && !payload.files) return notOfInterest('push_without_commits')
  const repository = payload.repository.full_name
  const key = commitKey(repository, payload.after)
  const identity = mapping.catalog.resolve({ environment: CI_ENVIRONMENT, repository })
  return githubEvent(mapping, identity, {
    id: eventId('github', identity.service, key, 'changed', 1, 'push', payload.ref, payload.before),
    occurredAt: pushedAt(payload) ?? mapping.now,
    subject: 'change',
    phase: 'changed',
    key,
    repository,
    branch: branchOf(payload.ref),
    sha: payload.after,
    actor: payload.sender ? mapping.pseudonym(payload.sender.login) : null,
    trigger: 'push',
    pullRequest: false,
    change: payload.files ? sizeOfCompared(payload.files) : sizeOfPush(payload),
  })
}

export function mapPullRequest(payload: PullRequestPayload, mapping: Mapping): Mapped {
  const { action, pull_request: pull } = payload
  if (!ACTIONS_WITH_CODE.has(action)) return notOfInterest('pull_request_keeps_its_code')
  const merged = action === 'closed'
  // A merge puts the whole pull request into one commit of the base branch: its size is that commit's size.
  const sha = merged ? pull.merge_commit_sha : pull.head.sha
  if (merged && (!pull.merged || !sha)) return notOfInterest('pull_request_closed_unmerged')
  const repository = payload.repository.full_name
  const key = commitKey(repository, sha ?? pull.head.sha)
  const author = pull.user?.login ?? payload.sender?.login
  const identity = mapping.catalog.resolve({ environment: CI_ENVIRONMENT, repository })
  return githubEvent(mapping, identity, {
    id: eventId('github', identity.service, key, 'changed', 1, 'pull_request', pull.number, action),
    occurredAt: pull.updated_at,
    subject: 'change',
    phase: 'changed',
    key,
    name: `#${pull.number}`,
    repository,
    branch: branchOf(merged ? pull.base.ref : pull.head.ref),
    sha: sha ?? pull.head.sha,
    actor: author === undefined ? null : mapping.pseudonym(author),
    trigger: 'pull_request',
    pullRequest: true,
    change: payload.files ? sizeOfCompared(payload.files) : sizeOfPullRequest(pull),
    links: merged ? [commitKey(repository, pull.head.sha)] : [],
  })
}

/** The server's clock; a commit's own time is its author's and may lie anywhere. */
function pushedAt(payload: PushPayload): number | null {
  const at = payload.repository.pushed_at
  if (at === null || at === undefined) return payload.head_commit?.timestamp ?? null
  // Seconds in push payloads, ISO text (ms here) in all others.
  return at < 100_000_000_000 ? at * 1000 : at
}

function sizeOfPush(payload: PushPayload): ChangeSize | null {
  const files = new Map<string, FileChange>()
  let told = false
  for (const commit of payload.commits) {
    const changes = { added: commit.added, deleted: commit.removed, modified: commit.modified }
    for (const change of ['added', 'deleted', 'modified'] as const) {
      const paths = changes[change]
      told ||= Array.isArray(paths)
      for (const path of paths ?? []) {
        const folded = foldChange(files.get(path), change)
        if (folded === undefined) files.delete(path)
        else files.set(path, folded)
      }
    }
  }
  return told ? sizeOfFiles(files) : null
}

const STATUSES: Readonly<Record<string, FileChange>> = { added: 'added', copied: 'added', removed: 'deleted' }

/** Of files as the REST API compares them. */
export function sizeOfCompared(files: readonly ComparedFile[]): ChangeSize {
  const sum = (of: 'additions' | 'deletions'): number => files.reduce((total, file) => total + (file[of] ?? 0), 0)
  return {
    ...sizeOfFiles(new Map(files.map(({ filename, status }) => [filename, STATUSES[status] ?? 'modified']))),
    linesAdded: sum('additions'),
    linesDeleted: sum('deletions'),
  }
}

function sizeOfPullRequest(pull: PullRequestPayload['pull_request']): ChangeSize {
  return {
    ...UNKNOWN_CHANGE,
    // GitHub tells how many files were touched, not how; they count as modified.
    filesModified: pull.changed_files ?? null,
    linesAdded: pull.additions ?? null,
    linesDeleted: pull.deletions ?? null,
  }
}
