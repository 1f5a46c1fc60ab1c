/**
 * The query API: POST /v1/query/<name> on a consumer, JSON in and out. The adapter's tools are these queries.
 * Errors: { error: { code, message, field? } } with 400, 404, 421 (wrong owner), 503 (Retry-After).
 */
import * as z from 'zod'
import { changeSize } from '../changes/changeSize.ts'
import { scoreCounts } from '../scores/counts.ts'
import {
  answerClass,
  cursor,
  deploymentSummary,
  environment,
  freshness,
  incidentSummary,
  knownAt,
  limit,
  outcomes,
  page,
  riskLevel,
  service,
  text,
  time,
} from './answer.ts'

const scored = z.object({
  service: service.optional(),
  subject: z.enum(['deployment', 'ci_run']).default('deployment'),
  from: time.optional(),
  to: time.optional(),
  days: z.number().int().min(1).max(400).default(90).describe('Where from is absent'),
  source: z.enum(['live', 'backfilled']).default('live').describe('Live predictions, or those made for history'),
})

export const QUERIES = {
  predict_deployment: {
    title: 'Predict a deployment',
    description:
      'Success probability, risk and duration of a deployment or CI run that has not started yet, from the history of its service. What is left open is taken from the newest run like it. Stored as asked; moves no score.',
    input: z.object({
      service,
      subject: z.enum(['deployment', 'ci_run']).default('deployment'),
      branch: text(256).optional(),
      workflow: text(256).optional().describe('As list_deployments shows it'),
      trigger: text(64).optional().describe('push, pull_request, schedule, …'),
      pullRequest: z.boolean().optional(),
      actor: text(256).optional().describe('Who starts it; only a keyed hash is used'),
      sha: text(64)
        .optional()
        .describe('Commit; gives the size of a change to a CI service (ci/…) known from a push or pull request'),
      change: changeSize.optional().describe('Its size, where the sha does not tell'),
      at: time.optional().describe('When it would start; now if absent'),
    }),
    output: z.object({
      predictionId: z.string(),
      service: z.string(),
      subject: z.enum(['deployment', 'ci_run']),
      pSuccess: z.number().min(0).max(1),
      answerClass,
      riskLevel,
      durationSeconds: z.object({ p10: z.number(), p50: z.number(), p90: z.number() }).nullable(),
      evidence: z.object({
        effectiveSamples: z.number(),
        minSamples: z.number(),
        serviceOutcomes: z.number().int().describe('Finished runs of this service'),
        baseRate: z.number().describe('Smoothed share of successes'),
        baseRateInterval: z.object({ low: z.number(), high: z.number() }).describe('95 % interval'),
        assumed: z
          .object({
            workflow: z.string().optional(),
            branch: z.string().optional(),
            trigger: z.string().optional(),
            pullRequest: z.boolean().optional(),
          })
          .describe('Left open in the question, taken from the newest run like it'),
        missing: z.string().nullable().describe('What is missing for a better answer'),
      }),
      modelVersion: z.string().describe('base-rate before a model is live'),
      liveScore: z
        .object({
          outcomes: z.number().int(),
          from: z.string(),
          to: z.string(),
          accuracy: z.number(),
          logLoss: z.number(),
          brier: z.number(),
          baseRate: z.object({ accuracy: z.number(), logLoss: z.number(), brier: z.number() }),
        })
        .nullable()
        .describe('Of this version on its last live outcomes, all services'),
      explanation: z
        .object({
          typicalPSuccess: z.number(),
          factors: z.array(z.object({ factor: z.string(), logit: z.number() })),
        })
        .nullable()
        .describe('Shapley shares; with the logit of typicalPSuccess they add up to that of pSuccess'),
      similarCases: z.array(
        z.object({
          key: z.string(),
          at: z.string(),
          success: z.boolean(),
          durationSeconds: z.number().nullable(),
          similarity: z.number(),
        }),
      ),
      lowerRisk: z
        .array(
          z.object({
            kind: z.enum(['start', 'smaller_change']),
            startAt: z.string().nullable(),
            linesMax: z.number().nullable(),
            pSuccess: z.number(),
            cases: z.number().int(),
            successes: z.number().int(),
          }),
        )
        .describe('Goes with a lower risk in similar cases; an association'),
      strategy: z.enum(['rolling', 'canary', 'canary_with_hold', 'postpone']).nullable(),
      ...freshness.shape,
    }),
  },
  list_deployments: {
    title: 'List deployments',
    description:
      'Deployments and CI runs, newest first. A page may hold few or none and still have a nextCursor: go on.',
    input: z.object({
      subject: z.enum(['deployment', 'ci_run']).optional(),
      service: service.optional(),
      environment: environment.optional(),
      state: z.enum(['requested', 'started', 'finished', 'rolled_back']).optional(),
      conclusion: text(32).optional().describe('success, failure, error, timeout, cancelled, …'),
      from: time.optional(),
      to: time.optional(),
      at: knownAt,
      limit,
      cursor,
    }),
    output: page(deploymentSummary),
  },
  get_service: {
    title: 'Get a service',
    description: 'What is known of a service: counts, rolling success, recent deployments, open incidents.',
    input: z.object({ service }),
    output: z.object({
      service: z.string(),
      environment: z.string(),
      tier: z.enum(['production', 'staging', 'development']),
      firstSeenAt: z.string(),
      lastEventAt: z.string(),
      deployments: z.number().int(),
      ciRuns: z.number().int(),
      series: z.number().int(),
      outcomes: z.record(z.enum(['deployment', 'ci_run']), outcomes),
      recent: z.array(deploymentSummary),
      openIncidents: z.array(incidentSummary),
      ...freshness.shape,
    }),
  },
  list_services: {
    title: 'List services',
    description: 'Known services, by name.',
    input: z.object({ environment: environment.optional(), prefix: text(256).optional(), limit, cursor }),
    output: page(z.object({ service: z.string(), environment: z.string(), lastEventAt: z.string() })),
  },
  list_incidents: {
    title: 'List incidents',
    description: 'Alerts and incidents, newest first.',
    input: z.object({
      service: service.optional(),
      environment: environment.optional(),
      state: z.enum(['firing', 'acknowledged', 'resolved']).optional(),
      severity: text(64).optional(),
      from: time.optional(),
      to: time.optional(),
      at: knownAt,
      limit,
      cursor,
    }),
    output: page(incidentSummary),
  },
  get_incident: {
    title: 'Get an incident',
    description: 'One incident with its texts, labels and times, and the deployments of its service shortly before.',
    input: z.object({
      key: text(512).min(1),
      service: service.optional().describe('Needed where several have an incident of this key'),
      at: knownAt,
    }),
    output: z.object({
      incident: incidentSummary.extend({
        summary: z.string(),
        description: z.string(),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
        acknowledgedAt: z.string().nullable(),
        generatorUrl: z.string().nullable(),
      }),
      deploymentsBefore: z.array(deploymentSummary).describe('Of the same service in the hour before; an association'),
      ...freshness.shape,
    }),
  },
  forecast_capacity: {
    title: 'Forecast capacity',
    description: 'One metric series, 24 hours ahead in hourly means with p10 and p90, beside seasonal naive.',
    input: z.object({
      service,
      metric: text(256).min(1).describe('Metric name; a gauge'),
      labels: z.record(text(128), text(256)).default({}).describe('Labels that pick one series'),
    }),
    output: z.object({
      series: z.object({ id: z.string(), labels: z.record(z.string(), z.string()) }).nullable(),
      status: z.enum(['ok', 'not_enough_data', 'no_series', 'ambiguous']),
      detail: z
        .string()
        .nullable()
        .describe('What is missing, which series match, or that seasonal naive was the better forecast'),
      modelVersion: z.string().nullable(),
      hours: z.array(
        z.object({ at: z.string(), p10: z.number(), p50: z.number(), p90: z.number(), seasonalNaive: z.number() }),
      ),
      backtest: z
        .object({ windows: z.number().int(), mase: z.number().nullable(), maseSeasonalNaive: z.number().nullable() })
        .nullable()
        .describe('Error of the model on the last days of this series, beside seasonal naive'),
      ...freshness.shape,
    }),
  },
  query_metrics: {
    title: 'Query metrics',
    description: 'Metric series by label matchers (anchored RE2), raw or by step. At most 1,000 points each.',
    input: z.object({
      service: service.optional(),
      metric: text(256).min(1),
      matchers: z
        .array(z.object({ name: text(128), op: z.enum(['=', '!=', '=~', '!~']), value: text(256) }))
        .max(10)
        .default([]),
      from: time,
      to: time,
      stepSeconds: z
        .number()
        .int()
        .min(0)
        .max(86_400)
        .default(60)
        .describe('0 = raw samples; whole hours or 5 minutes begin at whole ones'),
      aggregation: z.enum(['last', 'avg', 'min', 'max', 'sum', 'count', 'increase', 'rate']).default('avg'),
      limit: z.number().int().min(1).max(20).default(10),
    }),
    output: z.object({
      series: z.array(
        z.object({
          labels: z.record(z.string(), z.string()),
          service: z.string(),
          points: z.array(z.tuple([z.number(), z.number()])).describe('[epoch ms, value]'),
          truncated: z.boolean(),
        }),
      ),
      truncated: z.boolean().describe('More series match than were returned'),
      detail: z.string().nullable().describe('Where none matches: the metrics there are'),
      ...freshness.shape,
    }),
  },
  get_scorecard: {
    title: 'Get the scorecard',
    description:
      'How right the predictions were, by what happened: figures with 95 % intervals beside the base rate, what flagging would have caught, calibration.',
    input: scored,
    output: z.object({
      subject: z.string(),
      source: z.string(),
      from: z.string(),
      to: z.string(),
      outcomes: z.number(),
      failures: z.number(),
      censored: z.number().describe('Ended without an outcome'),
      byModel: z.number().describe('Answered by a model, not the base rate'),
      flagging: z.array(
        z.object({ rule: z.string(), flagged: z.number(), caught: z.number(), falseAlarms: z.number() }),
      ),
      scores: z.array(
        z.object({
          score: z.string(),
          value: z.number().nullable(),
          low: z.number().nullable(),
          high: z.number().nullable(),
          baseRate: z.number().nullable(),
        }),
      ),
      calibration: z.array(
        z.object({
          foretold: z.number(),
          observed: z.number(),
          low: z.number(),
          high: z.number(),
          rows: z.number(),
        }),
      ),
      ...freshness.shape,
    }),
  },
  count_scores: {
    title: 'Count scores',
    description: 'What a scorecard is made of: sums and counts, which add up over consumers.',
    input: scored,
    output: z.object({ counts: scoreCounts, ...freshness.shape }),
  },
  list_outcomes: {
    title: 'List outcomes',
    description: 'Finished deployments and CI runs with what was known at their start: what patterns are mined from.',
    input: z.object({
      subject: z.enum(['deployment', 'ci_run']).optional(),
      service: service.optional(),
      from: time.optional(),
      to: time.optional(),
      limit,
      cursor,
    }),
    output: page(
      z.object({
        key: z.string(),
        attempt: z.number().int(),
        service: z.string(),
        subject: z.enum(['deployment', 'ci_run']),
        listedAt: z.string(),
        startedAt: z.string(),
        finishedAt: z.string(),
        failed: z.boolean(),
        end: z.record(z.string(), z.string()),
        attributes: z.record(
          z.string(),
          z.union([z.number(), z.string(), z.boolean(), z.array(z.string()).readonly()]).nullable(),
        ),
      }),
    ),
  },
  find_patterns: {
    title: 'Find patterns',
    description: 'What goes with more or fewer failures (associations), tested on runs later than those that found it.',
    input: z.object({
      service: service.optional(),
      status: z.enum(['candidate', 'confirmed', 'expired']).default('confirmed'),
      limit,
    }),
    output: z.object({
      patterns: z.array(
        z.object({
          id: z.string(),
          subject: z.string(),
          scope: z.string().describe('Service, or * for all'),
          context: z.string().nullable(),
          factor: z.string(),
          status: z.string(),
          effect: z.number().describe('Failure share with the factor less without'),
          low: z.number(),
          high: z.number(),
          runs: z.number(),
          p: z.number(),
          firstSeen: z.string(),
          lastSeen: z.string(),
        }),
      ),
      clusters: z
        .array(
          z.object({
            id: z.string(),
            subject: z.string(),
            runs: z.number(),
            silhouette: z.number().nullable(),
            common: z.array(z.string()),
          }),
        )
        .describe('Failures that are alike'),
      ...freshness.shape,
    }),
  },
  best_window: {
    title: 'Best window',
    description: 'When in the week its runs fail less, with the failures that this would have saved; 95 % intervals.',
    input: z.object({ service, subject: z.enum(['deployment', 'ci_run']).default('deployment') }),
    output: z.object({
      timeZone: z.string(),
      answerClass,
      runs: z.number(),
      windows: z.array(
        z.object({
          fromHour: z.number(),
          toHour: z.number(),
          weekdays: z.array(z.number()).describe('0 = Monday'),
          runs: z.number(),
          failureShare: z.number(),
          otherFailureShare: z.number(),
          saved: z.object({ expected: z.number(), low: z.number(), high: z.number() }),
        }),
      ),
      ...freshness.shape,
    }),
  },
  list_unmapped: {
    title: 'List unmapped sources',
    description: 'Names that sources use and the catalog does not map to a service yet.',
    input: z.object({ limit, cursor }),
    output: page(
      z.object({ service: z.string(), sourceName: z.string(), environment: z.string(), lastEventAt: z.string() }),
    ),
  },
  get_memory: {
    title: 'Get memory',
    description: 'The 2 GiB pool: use by region, component and shard, borrowing, evictions, alerts.',
    input: z.object({}),
    output: z.object({
      poolBytes: z.number(),
      usedBytes: z.number(),
      utilization: z.number(),
      idleBytes: z.number(),
      alert: z.string(),
      regions: z.array(
        z.object({
          region: z.string(),
          quotaBytes: z.number(),
          usedBytes: z.number(),
          borrowedBytes: z.number(),
          lentBytes: z.number(),
          freeBytes: z.number(),
          evicted: z.number(),
          fragmentation: z.number().nullable(),
          alert: z.string(),
        }),
      ),
      dropped: z.array(z.object({ kind: z.string(), region: z.string(), records: z.number() })),
      shards: z.array(z.object({ shard: z.number(), pages: z.number(), fragmentation: z.number().nullable() })),
      components: z.array(
        z.object({
          region: z.string(),
          component: z.string(),
          pages: z.number(),
          liveBytes: z.number(),
          fragmentation: z.number().nullable(),
        }),
      ),
      ...freshness.shape,
    }),
  },
  get_health: {
    title: 'Get health',
    description: 'Are the parts alive, how far behind is each shard, which models are live, are the targets met.',
    input: z.object({}),
    output: z.object({
      status: z.enum(['ok', 'degraded', 'down']),
      memoryAlert: z.string(),
      shards: z.array(
        z.object({
          shard: z.number().int(),
          state: z.enum(['live', 'restoring', 'lost']),
          lagRecords: z.number().nullable(),
          clock: z.string().nullable(),
        }),
      ),
      models: z.array(
        z.object({
          model: z.string(),
          stage: z.enum(['champion', 'challenger', 'previous']),
          version: z.string(),
          since: z.string(),
        }),
      ),
      targets: z.array(z.object({ name: z.string(), targetMs: z.number(), p99Ms: z.number().nullable() })),
      ...freshness.shape,
    }),
  },
} as const

export type QueryName = keyof typeof QUERIES
export type QueryInput<N extends QueryName> = z.output<(typeof QUERIES)[N]['input']>
export type QueryOutput<N extends QueryName> = z.output<(typeof QUERIES)[N]['output']>
