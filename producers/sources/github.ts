/** GitHub webhooks: is the signature right, and what does the delivery mean? */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type * as z from 'zod'
import { parsePayload } from '../jsonBody.ts'
import { mapPullRequest, mapPush } from './githubChanges.ts'
import { mapDeployment, mapDeploymentStatus } from './githubDeployments.ts'
import {
  checkRunPayload,
  deploymentPayload,
  deploymentStatusPayload,
  pingPayload,
  pullRequestPayload,
  pushPayload,
  workflowJobPayload,
  workflowRunPayload,
} from './githubPayloads.ts'
import { mapCheckRun, mapWorkflowJob, mapWorkflowRun } from './githubRuns.ts'
import { notOfInterest, type Mapped } from './mapped.ts'
import type { Mapping } from './mapping.ts'

type Mapper = (payload: unknown, mapping: Mapping) => Mapped

function mapper<S extends z.ZodType>(schema: S, map: (payload: z.output<S>, mapping: Mapping) => Mapped): Mapper {
  return (payload, mapping) => map(parsePayload(schema, payload), mapping)
}

const MAPPERS: ReadonlyMap<string, Mapper> = new Map([
  ['check_run', mapper(checkRunPayload, mapCheckRun)],
  ['deployment', mapper(deploymentPayload, mapDeployment)],
  ['deployment_status', mapper(deploymentStatusPayload, mapDeploymentStatus)],
  ['ping', mapper(pingPayload, () => notOfInterest('ping'))],
  ['pull_request', mapper(pullRequestPayload, mapPullRequest)],
  ['push', mapper(pushPayload, mapPush)],
  ['workflow_job', mapper(workflowJobPayload, mapWorkflowJob)],
  ['workflow_run', mapper(workflowRunPayload, mapWorkflowRun)],
])

/** `kind` is X-GitHub-Event. Throws a Refusal when the payload lacks what its kind must have. */
export function mapGithub(kind: string, payload: unknown, mapping: Mapping): Mapped {
  return MAPPERS.get(kind)?.(payload, mapping) ?? notOfInterest('kind_not_subscribed')
}

/** Checks X-Hub-Signature-256 on the raw body; takes the same time wherever the two differ. */
export function signatureMatches(secret: string, body: Buffer, header: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  const given = Buffer.from(header)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
