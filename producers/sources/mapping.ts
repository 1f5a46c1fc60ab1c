import { createHash } from 'node:crypto'
import type { DeploymentEvent, IncidentEvent, InfrastructureEvent } from '../../schemas/generated/events.ts'
import type { Identity, SourceNames } from '../../runtime/configuration/identity.ts'

/** What a source's mapping may ask: names in, identity out; the clock and the key stay outside. */
export interface Mapping {
  /** When the request came, ms. */
  readonly now: number
  /** W3C traceparent of the request, if it had one. */
  readonly trace: string | null
  readonly catalog: CatalogQuestions
  readonly pseudonym: (person: string) => string
}

export interface CatalogQuestions {
  readonly resolve: (names: SourceNames) => Identity
  /** The environment a workflow deploys to; null: what it does is a CI run. */
  readonly deploymentEnvironment: (repository: string, workflow: string | null) => string | null
  /** Whether the workflow, not the repository alone, decides the service or the environment of a run. */
  readonly workflowDecides: (repository: string) => boolean
}

export type TopicEvent =
  | { readonly topic: 'devops.deployments'; readonly event: DeploymentEvent }
  | { readonly topic: 'devops.incidents'; readonly event: IncidentEvent }
  | { readonly topic: 'devops.infrastructure'; readonly event: InfrastructureEvent }

/** CI runs and changes of the code live in this environment. */
export const CI_ENVIRONMENT = 'ci'

/**
 * Identity of what happened: the same parts give the same id, so that a redelivery is recognised. The service is one of
 * them, since a source's keys are its own only within a service.
 */
export function eventId(...parts: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
