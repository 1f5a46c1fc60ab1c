/** A run as `gh run list --json …` writes it: the REST API's fields under names of its own. */
type Json = Readonly<Record<string, unknown>>

/** For the fields of --json, and for the message where one is missing. */
export const GH_RUN_FIELDS =
  'attempt,conclusion,createdAt,databaseId,event,headBranch,headSha,startedAt,status,updatedAt,url,workflowDatabaseId,workflowName'

export const isGhRun = (raw: Json): boolean => 'databaseId' in raw && !('id' in raw)

export function restRunOfGh(raw: Json): Json {
  return {
    id: raw['databaseId'],
    name: raw['workflowName'],
    head_branch: raw['headBranch'],
    head_sha: raw['headSha'],
    event: raw['event'],
    status: raw['status'],
    // Empty while it runs.
    conclusion: raw['conclusion'] === '' ? null : raw['conclusion'],
    workflow_id: raw['workflowDatabaseId'],
    run_attempt: raw['attempt'] ?? 1,
    created_at: raw['createdAt'],
    run_started_at: raw['startedAt'],
    updated_at: raw['updatedAt'],
  }
}
