/** What is read of GitHub's REST API: the objects of its webhooks, and little more. */
import * as z from 'zod'
import { deployment, deploymentStatus, pullRequest, workflowJob, workflowRun } from '../../sources/githubPayloads.ts'
import type { Told } from '../told.ts'

const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))

export const restRun = workflowRun.extend({
  pull_requests: z
    .array(
      z.object({
        number: z.int(),
        head: z.object({ sha: z.string(), ref: z.string() }),
        base: z.object({ sha: z.string(), ref: z.string() }),
      }),
    )
    .nullish(),
})
export const restJob = workflowJob
export const restDeployment = deployment.extend({ updated_at: time.nullish() })
export const restStatus = deploymentStatus.extend({ log_url: z.string().nullish(), target_url: z.string().nullish() })
export const restPull = pullRequest.extend({
  created_at: time,
  closed_at: time.nullish(),
  merged_at: time.nullish(),
})

export type RestRun = Told<z.output<typeof restRun>>
export type RestJob = Told<z.output<typeof restJob>>
export type RestDeployment = Told<z.output<typeof restDeployment>>
export type RestStatus = Told<z.output<typeof restStatus>>
export type RestPull = Told<z.output<typeof restPull>>
