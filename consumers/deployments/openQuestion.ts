/** What a question about a coming attempt leaves open, as the newest runs suggest it. */
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { workflowOf } from '../models/attempt.ts'

type Question = QueryInput<'predict_deployment'>
export type Assumed = QueryOutput<'predict_deployment'>['evidence']['assumed']

const RUNS_MAX = 50

/**
 * History is kept by workflow, branch and trigger, and one left open would be read as one never seen. So it is taken from the
 * newest run that agrees with what was told, else from the newest. The actor stays open: a question without one is about
 * anybody, and the record of whoever came last would speak in it.
 */
export function assumedOf(question: Question, shard: Pick<ShardDoor, 'deployments'>): Assumed {
  const { service, subject } = question
  const filter = { subject, service, environment: null, state: null, conclusion: null, from: null, to: null, at: null }
  const runs = shard.deployments(filter, RUNS_MAX, null).items.map(traitsOf)
  const like = runs.find((run) => agrees(run, question)) ?? runs[0]
  if (like === undefined) return {}
  return {
    ...(question.workflow === undefined && like.workflow !== null ? { workflow: like.workflow } : {}),
    ...(question.branch === undefined && like.branch !== null ? { branch: like.branch } : {}),
    ...(question.trigger === undefined && like.trigger !== null ? { trigger: like.trigger } : {}),
    ...(question.pullRequest === undefined && like.pullRequest !== null ? { pullRequest: like.pullRequest } : {}),
  }
}

const TRAITS = ['workflow', 'branch', 'trigger', 'pullRequest'] as const

function traitsOf(record: DeploymentRecord): Pick<DeploymentRecord, (typeof TRAITS)[number]> {
  const { branch, trigger, pullRequest } = record
  return { workflow: workflowOf(record), branch, trigger, pullRequest }
}

const agrees = (run: ReturnType<typeof traitsOf>, question: Question): boolean =>
  TRAITS.every((trait) => question[trait] === undefined || question[trait] === run[trait])
