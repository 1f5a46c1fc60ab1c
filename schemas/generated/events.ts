// Generated from schemas/events/*.avsc by `npm run schemas`. Do not edit.

/** A record that could not be applied, raw, with the reason. */
export interface DeadLetter {
  readonly originTopic: string
  readonly originPartition: number
  readonly originOffset: number
  readonly at: number
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

export type DeadLetterReason = 'undecodable' | 'invalid' | 'clock_ahead' | 'crashed' | 'no_room'

/** A step in the life of a deployment, a CI run or a change. */
export interface DeploymentEvent {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  /** What the event speaks of: a deployment, anything else that a CI system runs, or a change to the code (push, pull request). */
  readonly subject: DeploymentSubject
  /** `step` never ends its subject; `changed` belongs to subject `change` alone. */
  readonly phase: DeploymentPhase
  /** Natural key of the subject: <source>:<repository>/deployment/<id>, …/run/<id>, …/commit/<sha>. */
  readonly key: string
  /** 1-based; a re-run of the same key counts up. */
  readonly attempt: number
  /** Only with phase finished (of the subject) or step (of the step). */
  readonly conclusion: Conclusion | null
  /** Workflow name or deployment task. */
  readonly name: string | null
  /** Stable id of the workflow or pipeline definition. */
  readonly workflow: string | null
  readonly repository: string | null
  readonly branch: string | null
  readonly sha: string | null
  /** Pseudonym: keyed hash of the person's name. */
  readonly actor: string | null
  /** What started it: push, pull_request, schedule, … */
  readonly trigger: string | null
  readonly pullRequest: boolean | null
  /** Known change size of the commit or pull request. */
  readonly change: ChangeSize | null
  readonly step: Step | null
  /** Keys of subjects this one belongs to, e.g. the CI run that made a deployment. */
  readonly links: readonly string[]
  /** History brought in later: trains, but is kept out of live scores. */
  readonly backfilled: boolean
}

export type DeploymentSubject = 'deployment' | 'ci_run' | 'change'

export type DeploymentPhase = 'requested' | 'started' | 'step' | 'finished' | 'rolled_back' | 'changed'

export type Conclusion =
  | 'success'
  | 'failure'
  | 'error'
  | 'timeout'
  | 'cancelled'
  | 'skipped'
  | 'neutral'
  | 'action_required'
  | 'stale'
  | 'inactive'

/** Size of the change; null where the source does not tell. */
export interface ChangeSize {
  readonly filesAdded: number | null
  readonly filesDeleted: number | null
  readonly filesModified: number | null
  readonly linesAdded: number | null
  readonly linesDeleted: number | null
  readonly srcFiles: number | null
  readonly docFiles: number | null
  readonly otherFiles: number | null
  readonly dockerfileChanged: boolean | null
  readonly composeChanged: boolean | null
  /** Endings of the touched files, separated by blanks. */
  readonly fileTypes: string | null
}

/** A part of a run: job, check or status. */
export interface Step {
  readonly key: string
  readonly name: string
  readonly kind: StepKind
  readonly state: StepState
}

export type StepKind = 'job' | 'check' | 'status'

export type StepState = 'queued' | 'in_progress' | 'waiting' | 'completed'

/** An alert or incident as delivered. */
export interface IncidentEvent {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  readonly phase: IncidentPhase
  /** alertmanager:<fingerprint>:<startsAt ms> or <source>:<id>. */
  readonly key: string
  readonly title: string
  /** As delivered; null where the source has none. */
  readonly severity: string | null
  readonly summary: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: number
  readonly endsAt: number | null
  readonly generatorUrl: string | null
}

export type IncidentPhase = 'firing' | 'acknowledged' | 'resolved'

/** State of a workload, node, quota or cloud resource; the newest by occurredAt holds. */
export interface InfrastructureEvent {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  /** Resource id, unique in the installation: <kind>/<scope>/<name>. */
  readonly resource: string
  readonly kind: ResourceKind
  readonly deleted: boolean
  readonly attributes: Readonly<Record<string, string>>
  /** SI base units: cores, bytes, counts. */
  readonly quantities: Readonly<Record<string, number>>
}

export type ResourceKind = 'workload' | 'node' | 'volume' | 'quota' | 'cloud_resource' | 'other'

/** A prediction, or a prediction and what really happened. */
export interface LedgerEntry {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  /** headline: the one scored prediction of an attempt; asked: what was asked in between; scored: headline with its outcome; censored: it ended without one, or within a maintenance window (censoredBy). */
  readonly kind: LedgerKind
  /** Digest of service, subject key and attempt; of the question for asked. */
  readonly predictionId: string
  /** deployment or ci_run */
  readonly model: string
  /** Digest of the weights, or `base-rate`. */
  readonly modelVersion: string
  readonly subjectKey: string
  readonly attempt: number
  readonly pSuccess: number
  readonly answerClass: AnswerClass
  readonly riskLevel: RiskLevel
  /** seconds */
  readonly durationP10: number | null
  readonly durationP50: number | null
  readonly durationP90: number | null
  /** Effective samples, own plus pooled. */
  readonly evidence: number
  /** Smoothed base rate of success at that moment: the plain baseline. */
  readonly baseRate: number
  readonly challengerVersion: string | null
  readonly challengerP: number | null
  /** Name and version of the feature list. */
  readonly featureSet: string
  readonly features: readonly number[]
  /** scored only: the outcome (not rollout_failed). */
  readonly success: boolean | null
  /** scored only. */
  readonly durationSeconds: number | null
  readonly outcomeAt: number | null
  readonly backfilled: boolean
  /** censored only. no_outcome: cancelled, gated, skipped; given_up: another attempt took its place before it ended; maintenance: it ran within a maintenance window or a known outage. */
  readonly censoredBy: CensorReason | null
}

export type LedgerKind = 'headline' | 'asked' | 'scored' | 'censored'

export type AnswerClass = 'confident' | 'uncertain' | 'not_enough_evidence'

export type RiskLevel = 'low' | 'medium' | 'high' | 'critical'

export type CensorReason = 'no_outcome' | 'given_up' | 'maintenance'

/** The shards an instance owns and where it is asked. */
export interface Member {
  readonly instance: string
  /** Base URL of its query API. */
  readonly address: string
  readonly shards: readonly number[]
  readonly since: number
  readonly at: number
}

/** The samples of one scrape target from one request. */
export interface MetricBatch {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  /** Identity of the scrape target: its target labels, sorted, as {a="b",…}. */
  readonly target: string
  /** Samples in the block. */
  readonly samples: number
  /** Series in the block. */
  readonly series: number
  /** Label sets of series, by 128-bit hash; empty when the labels were announced within the hour. Format: docs/column-block.md. */
  readonly announced: Buffer
  /** Column block: shared timestamps, series hashes, values. Format: docs/column-block.md. */
  readonly block: Buffer
}

/** Weights, which weights hold which stage, the patterns mined last, or how right who answers was. */
export interface ModelRecord {
  readonly kind: ModelRecordKind
  /** deployment, ci_run or capacity; patterns for a pattern_set. */
  readonly model: string
  /** Digest of the weights; of the card for a pattern_set; of scores: who answered, `base-rate` where no model did. */
  readonly sha256: string
  /** stage records only. previous: the last champion that lost its place, kept to go back to. */
  readonly stage: ModelStage | null
  /** weights records only. */
  readonly weights: Buffer | null
  /** Model card, JSON: data window, features, scores, baselines. The patterns themselves for a pattern_set. */
  readonly card: string
  readonly at: number
  /** stage records only: why it came to this stage (learnt, won, superseded, demoted, fell_back, rolled_back). */
  readonly cause: string | null
  /** scores records only. */
  readonly scores: ModelScores | null
}

export type ModelRecordKind = 'weights' | 'stage' | 'pattern_set' | 'scores'

export type ModelStage = 'challenger' | 'champion' | 'retired' | 'previous'

/** Of the last live outcomes of one version, beside the base rate on the same ones. */
export interface ModelScores {
  readonly outcomes: number
  /** Of the first of these outcomes. */
  readonly from: number
  readonly to: number
  readonly accuracy: number
  /** Mean, natural logarithm. */
  readonly logLoss: number
  readonly brier: number
  readonly baseRateAccuracy: number
  readonly baseRateLogLoss: number
  readonly baseRateBrier: number
}

/** A small notice that crosses services, keyed by environment. */
export interface Signal {
  /** Identity of this event at its source; a repeat carries the same id. */
  readonly id: string
  /** When it happened, by the source's clock, UTC. */
  readonly occurredAt: number
  /** When the gateway accepted it, UTC. */
  readonly receivedAt: number
  /** Closed set of the gateway: github, alertmanager, prometheus, events, demo, consumer. */
  readonly source: string
  /** <environment>/<name> */
  readonly service: string
  readonly environment: string
  /** W3C traceparent, where the source sent one. */
  readonly trace: string | null
  readonly kind: SignalKind
  /** Key of what it tells of. */
  readonly ref: string
  readonly title: string
  readonly state: string
  readonly severity: string | null
}

export type SignalKind = 'alert' | 'anomaly' | 'change'

/** Time passes without events. */
export interface Tick {
  readonly shard: number
  readonly at: number
  readonly instance: string
}
