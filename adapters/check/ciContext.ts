/** What a CI provider tells in the environment about the run that asks. Named as predict_deployment names it. */
import * as z from 'zod'
import { UNKNOWN_CHANGE } from '../../schemas/changes/changeSize.ts'
import type { ChangeSize } from '../../schemas/generated/events.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface CiContext {
  /** Where it deploys to. */
  readonly environment: string | null
  readonly branch: string | null
  readonly trigger: string | null
  readonly pullRequest: boolean | null
  /** Plain name of the person. */
  readonly actor: string | null
  readonly sha: string | null
  /** What git can compare, as it takes it; null where the provider names no base. */
  readonly range: string | null
  /** Size of the change as the provider tells it, for a checkout without history. */
  readonly size: ChangeSize | null
}

const NO_CONTEXT: CiContext = {
  environment: null,
  branch: null,
  trigger: null,
  pullRequest: null,
  actor: null,
  sha: null,
  range: null,
  size: null,
}

/** `readFile` gives the text of the file of GitHub's event, null where there is none. Null: no provider that is known. */
export function ciContext(env: Env, readFile: (path: string) => string | null): CiContext | null {
  if (env['GITHUB_ACTIONS'] === 'true') return githubContext(env, readFile)
  if (env['GITLAB_CI'] === 'true') return gitlabContext(env)
  return null
}

const count = z.int().min(0).nullish()

/** The part of a GitHub event that tells commits apart. */
const githubEvent = z.object({
  before: z.string().nullish(),
  pull_request: z
    .object({
      head: z.object({ sha: z.string() }),
      base: z.object({ sha: z.string() }),
      additions: count,
      deletions: count,
      changed_files: count,
    })
    .nullish(),
})

const PULL_REQUEST_TRIGGERS: ReadonlySet<string> = new Set(['pull_request', 'pull_request_target'])

function githubContext(env: Env, readFile: (path: string) => string | null): CiContext {
  const trigger = textOf(env['GITHUB_EVENT_NAME'])
  const pullRequest = trigger !== null && PULL_REQUEST_TRIGGERS.has(trigger)
  const event = eventOf(env['GITHUB_EVENT_PATH'], readFile)
  const pull = event?.pull_request ?? null
  const sha = textOf(env['GITHUB_SHA'])
  const before = commitOf(event?.before)
  return {
    ...NO_CONTEXT,
    // Of a pull request GITHUB_REF_NAME and GITHUB_SHA are a merge that nothing else speaks of.
    branch: textOf(env['GITHUB_HEAD_REF']) ?? textOf(env['GITHUB_REF_NAME']),
    trigger,
    pullRequest,
    actor: textOf(env['GITHUB_TRIGGERING_ACTOR']) ?? textOf(env['GITHUB_ACTOR']),
    sha: pullRequest ? (pull?.head.sha ?? null) : sha,
    range:
      pull !== null
        ? `${pull.base.sha}...${pull.head.sha}`
        : before !== null && sha !== null
          ? `${before}..${sha}`
          : null,
    size: pull === null ? null : sizeOfPull(pull),
  }
}

function eventOf(path: string | undefined, readFile: (path: string) => string | null) {
  const text = path === undefined || path === '' ? null : readFile(path)
  if (text === null) return null
  try {
    return githubEvent.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // What the file says is a help; without it the question is asked with less.
    return null
  }
}

type Pull = NonNullable<z.output<typeof githubEvent>['pull_request']>

/** As the webhook of the same pull request tells it. */
function sizeOfPull({ additions, deletions, changed_files: files }: Pull): ChangeSize {
  return {
    ...UNKNOWN_CHANGE,
    filesModified: files ?? null,
    linesAdded: additions ?? null,
    linesDeleted: deletions ?? null,
  }
}

function gitlabContext(env: Env): CiContext {
  const sha = textOf(env['CI_COMMIT_SHA'])
  const base = commitOf(env['CI_MERGE_REQUEST_DIFF_BASE_SHA']) ?? commitOf(env['CI_COMMIT_BEFORE_SHA'])
  const trigger = textOf(env['CI_PIPELINE_SOURCE'])
  return {
    ...NO_CONTEXT,
    environment: textOf(env['CI_ENVIRONMENT_NAME']),
    // A pipeline of a merge request goes by its reference in GitLab's API.
    branch: textOf(env['CI_MERGE_REQUEST_REF_PATH']) ?? textOf(env['CI_COMMIT_REF_NAME']),
    trigger,
    pullRequest: trigger === 'merge_request_event',
    actor: textOf(env['GITLAB_USER_LOGIN']),
    sha,
    range: base === null || sha === null ? null : `${base}..${sha}`,
  }
}

const textOf = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text)

/** Zeros stand for no commit. */
const commitOf = (sha: string | null | undefined): string | null =>
  sha === null || sha === undefined || /^0*$/.test(sha) ? null : sha
