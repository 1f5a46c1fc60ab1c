/** Records of the engine in the words of the query API. */
import type { DeploymentRecord, IncidentRecord } from '../../rust-engine/ts/records.ts'
import type * as z from 'zod'
import type { deploymentSummary, incidentSummary } from '../../schemas/queries/answer.ts'

export function timeText(ms: number): string
export function timeText(ms: number | null): string | null
export function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

export function summaryOfDeployment(record: DeploymentRecord): z.output<typeof deploymentSummary> {
  return {
    key: record.key,
    subject: record.subject,
    service: record.service,
    environment: record.environment,
    attempt: record.attempt,
    state: record.state,
    conclusion: record.conclusion,
    name: record.name,
    branch: record.branch,
    sha: record.sha,
    trigger: record.trigger,
    requestedAt: timeText(record.requestedAt),
    startedAt: timeText(record.startedAt),
    finishedAt: timeText(record.finishedAt),
    listedAt: timeText(record.listedAt),
    links: [...record.links],
  }
}

export function summaryOfIncident(record: IncidentRecord): z.output<typeof incidentSummary> {
  return {
    key: record.key,
    service: record.service,
    environment: record.environment,
    state: record.state,
    title: record.title,
    severity: record.severity,
    startsAt: timeText(record.startsAt),
    endsAt: timeText(record.endsAt),
  }
}
