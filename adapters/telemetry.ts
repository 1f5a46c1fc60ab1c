/** What the adapter tells of itself: one function for each thing that happens. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { QueryName } from '../schemas/queries/queries.ts'
import type { Log } from '../runtime/telemetry/log.ts'
import type { FailureCode } from './queries/errors.ts'
import type { Membership } from './queries/membership.ts'
import type { Reply } from './queries/ownerRequest.ts'

/** Through which door a question came. */
export type Door = 'mcp' | 'http'
export type Result = 'ok' | 'incomplete' | FailureCode | 'internal'

export interface AdapterTelemetry {
  questionAnswered(door: Door, tool: QueryName, result: 'ok' | 'incomplete', seconds: number, bytes: number): void
  questionFailed(door: Door, tool: QueryName, code: FailureCode, reason: string, seconds: number): void
  /** A bug of ours: no named failure. */
  questionBroke(door: Door, tool: QueryName, error: unknown, seconds: number): void
  ownerReplied(outcome: Reply<unknown>['kind']): void
  membershipLearnt(membership: Membership): void
  protocolFailed(error: unknown): void
}

export function createAdapterTelemetry(registry: Registry, log: Log): AdapterTelemetry {
  const registers = [registry]
  const calls = new Counter({
    name: 'devops_adapter_calls_total',
    help: 'Questions by tool, the door they came through and their result.',
    labelNames: ['door', 'tool', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'devops_adapter_call_duration_seconds',
    help: 'Time from a question to its answer, waiting for consumers included.',
    labelNames: ['tool'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const size = new Histogram({
    name: 'devops_adapter_answer_size_bytes',
    help: 'Size of an answer as JSON.',
    labelNames: ['tool'],
    buckets: [256, 1_024, 4_096, 16_384, 32_768, 65_536, 81_920],
    registers,
  })
  const replies = new Counter({
    name: 'devops_adapter_owner_replies_total',
    help: 'Replies of consumers to single requests, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const owners = new Gauge({
    name: 'devops_adapter_owners',
    help: 'Consumers that own shards, as last learnt.',
    registers,
  })
  const unowned = new Gauge({
    name: 'devops_adapter_unowned_shards',
    help: 'Shards that no known consumer owns.',
    registers,
  })
  const protocolErrors = new Counter({
    name: 'devops_adapter_protocol_errors_total',
    help: 'MCP messages that could not be served.',
    registers,
  })
  let fingerprint: string | null = null

  return {
    questionAnswered(door, tool, result, seconds, bytes) {
      calls.inc({ door, tool, result })
      duration.observe({ tool }, seconds)
      size.observe({ tool }, bytes)
      log.debug({ event: 'question_answered', door, tool, result, seconds, bytes }, 'question answered')
    },
    questionFailed(door, tool, code, reason, seconds) {
      calls.inc({ door, tool, result: code })
      duration.observe({ tool }, seconds)
      log.debug({ event: 'question_failed', door, tool, code, reason, seconds }, 'question failed')
    },
    questionBroke(door, tool, error, seconds) {
      calls.inc({ door, tool, result: 'internal' })
      duration.observe({ tool }, seconds)
      log.error({ event: 'question_broke', door, tool, err: error }, 'a question met a defect of the adapter')
    },
    ownerReplied(outcome) {
      replies.inc({ outcome })
    },
    membershipLearnt(membership) {
      owners.set(membership.owners.length)
      unowned.set(membership.unownedShards.length)
      if (membership.fingerprint === fingerprint) return
      fingerprint = membership.fingerprint
      const { owners: known, unownedShards } = membership
      log.info({ event: 'membership_learnt', owners: known, unownedShards }, 'learnt which consumer owns which shards')
    },
    protocolFailed(error) {
      protocolErrors.inc()
      log.warn({ event: 'protocol_failed', err: error }, 'an MCP message could not be served')
    },
  }
}
