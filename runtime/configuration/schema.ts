/** The shape of the configuration: every key, its default and its limits. Keys are camelCase here, snake_case in YAML. */
import { z } from 'zod'
import { isBearerToken } from '../http/isBearerToken.ts'

const MIB = 1024 ** 2

const port = z.int().min(1).max(65_535)
const host = z.string().min(1).max(253)
const bytes = z.int().positive()
const fraction = z.number().min(0).max(1)
const share = z.number().gt(0).max(1)
const milliseconds = z.int().positive()
const baseUrl = z.url({ protocol: /^https?$/ })
const brokerAddress = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:,]+):\d{1,5}$/, 'must be host:port')
export const ENVIRONMENT_CHARS_MAX = 63
const environmentName = z
  .string()
  .regex(
    new RegExp(`^[a-z0-9][a-z0-9._-]{0,${ENVIRONMENT_CHARS_MAX - 1}}$`),
    `must be lower case letters, digits, dots, dashes and underscores, at most ${ENVIRONMENT_CHARS_MAX}`,
  )

export const TIERS = ['production', 'staging', 'development'] as const
export type Tier = (typeof TIERS)[number]

const environment = z.strictObject({
  name: environmentName,
  tier: z.enum(TIERS),
  aliases: z.array(z.string().min(1)).default([]),
})
export type Environment = Readonly<z.output<typeof environment>>

const DEFAULT_ENVIRONMENTS: z.input<typeof environment>[] = [
  { name: 'production', tier: 'production', aliases: ['prod', 'prd', 'live'] },
  { name: 'staging', tier: 'staging', aliases: ['stage', 'stg', 'preprod', 'pre-production', 'uat'] },
  { name: 'development', tier: 'development', aliases: ['dev', 'test', 'testing', 'local'] },
  { name: 'ci', tier: 'development', aliases: [] },
]

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export const configurationSchema = z.strictObject({
  server: z
    .strictObject({
      name: z.string().min(1).max(100).default('devops-mcp-server'),
      memoryAllocation: bytes.default(2048 * MIB),
      host: host.default('127.0.0.1'),
      port: port.default(8085),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: port.default(8080),
      publicHosts: z.array(host).default([]),
      token: z.string().min(16, 'must have at least 16 characters').nullable().default(null),
      githubWebhookSecret: z.string().min(8, 'must have at least 8 characters').nullable().default(null),
      githubToken: z
        .string()
        .min(8, 'must have at least 8 characters')
        .refine(isBearerToken, 'has a character that no token has')
        .nullable()
        .default(null),
      githubApiUrl: baseUrl.default('https://api.github.com'),
      bodyBytesMax: bytes.default(8 * MIB),
      seriesPerRequestMax: z.int().positive().default(20_000),
      eventsPerRequestMax: z.int().positive().default(1_000),
      inFlightBytesMax: bytes.default(64 * MIB),
      // Below the 10 s after which GitHub gives a delivery up, so that it hears the reason.
      publishTimeoutMs: milliseconds.default(8_000),
    })
    .prefault({}),
  consumer: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: port.default(8081),
      // Empty = the local consumer, on the port above.
      seeds: z.array(baseUrl).default([]),
      snapshotIntervalSeconds: z.int().positive().default(60),
    })
    .prefault({}),
  trainer: z.strictObject({ host: host.default('127.0.0.1'), port: port.default(8082) }).prefault({}),
  kafka: z
    .strictObject({
      brokers: z.array(brokerAddress).min(1).default(['127.0.0.1:9092']),
      groupId: z.string().min(1).max(200).default('devops-consumers'),
    })
    .prefault({}),
  schemaRegistry: z.strictObject({ url: baseUrl.default('http://127.0.0.1:8083/apis/ccompat/v7') }).prefault({}),
  stateFolder: z.string().min(1).default('.state'),
  catalogFile: z.string().min(1).nullable().default(null),
  environments: z.array(environment).min(1).prefault(DEFAULT_ENVIRONMENTS),
  timeZone: z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin').default('UTC'),
  memory: z
    .strictObject({
      allocations: z
        .strictObject({
          infrastructureState: bytes.default(1024 * MIB),
          deploymentHistory: bytes.default(512 * MIB),
          incidentDatabase: bytes.default(256 * MIB),
          activeOperations: bytes.default(256 * MIB),
        })
        .prefault({}),
      // Used shares of a region or of the pool, from which it is told.
      alerts: z
        .strictObject({
          notice: share.default(0.8),
          warning: share.default(0.9),
          critical: share.default(0.95),
        })
        .prefault({}),
    })
    .prefault({}),
  performance: z
    .strictObject({
      targets: z
        .strictObject({
          deploymentPredictionLatency: milliseconds.default(500),
          incidentDetectionLatency: milliseconds.default(100),
          remediationExecutionTime: milliseconds.default(5_000),
          stateSyncLatency: milliseconds.default(50),
        })
        .prefault({}),
    })
    .prefault({}),
  learning: z
    .strictObject({
      training: z
        .strictObject({
          minSamples: z.int().positive().default(100),
          retrainInterval: z.int().positive().default(3_600),
        })
        .prefault({}),
      prediction: z
        .strictObject({
          confidenceThreshold: z.number().min(0.5).max(1).default(0.7),
          maxPredictionTime: milliseconds.default(500),
        })
        .prefault({}),
      patterns: z
        .strictObject({
          similarityThreshold: fraction.default(0.85),
          clusteringAlgorithm: z.enum(['kmeans']).default('kmeans'),
        })
        .prefault({}),
    })
    .prefault({}),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
})

export type Settings = z.output<typeof configurationSchema>

/** Never shown: neither in logs nor in a message about what is wrong with them. */
export const SECRET_KEYS: readonly string[] = ['gateway.token', 'gateway.github_webhook_secret', 'gateway.github_token']

/** Keys that are read and checked, but whose feature is still to come. */
export const KEYS_TO_COME: readonly string[] = ['performance.targets.remediation_execution_time']
