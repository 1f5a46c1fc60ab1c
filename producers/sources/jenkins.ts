/** Builds of Jenkins jobs, as the JSON API tells them (`api/json?tree=…`). */
import * as z from 'zod'
import type { Conclusion } from '../../schemas/generated/events.ts'
import { parsePayload } from '../jsonBody.ts'
import { sizeOfFiles, type FileChange } from '../../schemas/changes/changedFiles.ts'
import { eventFrom, identityOfRun, notOfInterest, type Mapped } from './mapped.ts'
import { CI_ENVIRONMENT, eventId, type Mapping } from './mapping.ts'

const text = z.string().max(4096)
const ms = z.int().nonnegative()

const changeSet = z.object({
  items: z.array(z.object({ paths: z.array(z.object({ editType: text, file: text })).nullish() })).nullish(),
})

/** Plugins put what they know into `actions`: the causes, and what git checked out. */
export const jenkinsBuild = z.object({
  number: z.int().nonnegative(),
  result: text.nullish(),
  building: z.boolean(),
  timestamp: ms,
  duration: ms,
  actions: z
    .array(
      z
        .object({
          causes: z.array(z.object({ _class: text.nullish(), userId: text.nullish() })).nullish(),
          lastBuiltRevision: z.object({ SHA1: text, branch: z.array(z.object({ name: text })).nullish() }).nullish(),
          remoteUrls: z.array(text).nullish(),
        })
        .nullable(),
    )
    .nullish(),
  changeSet: changeSet.nullish(),
  changeSets: z.array(changeSet).nullish(),
})

export type JenkinsBuild = z.output<typeof jenkinsBuild>

const payloadSchema = z.object({
  /** Full name of the job: with its folders. */
  job: text.min(1),
  phase: z.enum(['started', 'finished', 'changed']),
  build: jenkinsBuild,
})

const RESULTS: Readonly<Record<string, Conclusion>> = {
  SUCCESS: 'success',
  FAILURE: 'failure',
  // Tests failed.
  UNSTABLE: 'failure',
  ABORTED: 'cancelled',
  NOT_BUILT: 'skipped',
}

const TRIGGERS: readonly (readonly [RegExp, string])[] = [
  [/Timer/, 'schedule'],
  [/UserId/, 'manual'],
  [/Upstream/, 'upstream'],
  [/SCM|Push|Branch|GitHub|GitLab/, 'push'],
]

const EDITS: Readonly<Record<string, FileChange>> = { add: 'added', delete: 'deleted', edit: 'modified' }

/** Throws a Refusal when the payload lacks what it must have. */
export function mapJenkins(kind: string, payload: unknown, mapping: Mapping): Mapped {
  if (kind !== 'build') return notOfInterest('kind_not_subscribed')
  const { job, phase, build } = parsePayload(payloadSchema, payload)
  const git = gitOf(build)
  // Without a repository the job is the name that the source has for the service.
  const repository = git.repository ?? job
  if (phase === 'changed') return mapChange(repository, build, git, mapping)
  const conclusion = phase === 'finished' ? RESULTS[build.result ?? ''] : null
  if (conclusion === undefined) return notOfInterest('unknown_status')
  const { subject, ...place } = identityOfRun(mapping, repository, job)
  const key = `jenkins:${job}/build/${build.number}`
  const causes = (build.actions ?? []).flatMap((action) => action?.causes ?? [])
  const person = causes.find(({ userId }) => userId)?.userId
  return eventFrom('jenkins', mapping, place, {
    id: eventId('jenkins', place.service, key, phase, 1, conclusion),
    occurredAt: build.timestamp + (phase === 'finished' ? build.duration : 0),
    subject,
    phase,
    key,
    conclusion,
    name: job,
    workflow: job,
    repository: git.repository,
    branch: git.branch,
    sha: git.sha,
    actor: person ? mapping.pseudonym(person) : null,
    trigger: causes.flatMap(({ _class: name }) => TRIGGERS.find(([of]) => of.test(name ?? ''))?.[1] ?? [])[0] ?? null,
  })
}

function mapChange(repository: string, build: JenkinsBuild, { sha, branch }: Git, mapping: Mapping): Mapped {
  const sets = [...(build.changeSets ?? []), ...(build.changeSet ? [build.changeSet] : [])]
  const paths = sets.flatMap(({ items }) => (items ?? []).flatMap((item) => item.paths ?? []))
  if (sha === null || paths.length === 0) return notOfInterest('push_without_commits')
  const place = mapping.catalog.resolve({ environment: CI_ENVIRONMENT, repository })
  const key = `jenkins:${repository}/commit/${sha}`
  return eventFrom('jenkins', mapping, place, {
    id: eventId('jenkins', place.service, key, 'changed', 1),
    occurredAt: build.timestamp,
    subject: 'change',
    phase: 'changed',
    key,
    repository,
    branch,
    sha,
    trigger: 'push',
    change: sizeOfFiles(new Map(paths.map(({ file, editType }) => [file, EDITS[editType] ?? 'modified']))),
  })
}

interface Git {
  readonly repository: string | null
  readonly branch: string | null
  readonly sha: string | null
}

function gitOf({ actions }: JenkinsBuild): Git {
  const built = actions?.find((action) => action?.lastBuiltRevision)
  const branch = built?.lastBuiltRevision?.branch?.[0]?.name.replace(/^(refs\/(heads|remotes)\/)?(origin\/)?/, '')
  return {
    repository: repositoryOf(built?.remoteUrls?.[0] ?? ''),
    branch: branch === undefined || branch === 'detached' ? null : branch,
    sha: built?.lastBuiltRevision?.SHA1 ?? null,
  }
}

/** `owner/name` of https://host/owner/name.git and of git@host:owner/name.git. */
function repositoryOf(remote: string): string | null {
  const path = /^(?:[a-z+]+:\/\/[^/]+\/|[^/:]+:)(.+?)(?:\.git)?\/?$/.exec(remote)?.[1]
  return path !== undefined && /^[^/\s]+(\/[^/\s]+)+$/.test(path) ? path : null
}
